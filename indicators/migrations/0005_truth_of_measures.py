from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("indicators", "0004_help_texts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="reading",
            name="truth",
            field=models.FloatField(
                help_text="Mean phi over the window, or the exact value of the measure.", null=True
            ),
        ),
    ]
