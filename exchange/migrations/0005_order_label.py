from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0004_execution_order")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="label",
            field=models.CharField(
                blank=True, db_default="", help_text="Several orders may share it.", max_length=64
            ),
        ),
    ]
