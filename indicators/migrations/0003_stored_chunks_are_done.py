import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("indicators", "0002_steps_and_chunks")]

    operations = [
        migrations.RemoveField(model_name="runchunk", name="first_end"),
        migrations.RemoveField(model_name="runchunk", name="last_end"),
        migrations.AlterField(
            model_name="runchunk",
            name="done_at",
            field=models.DateTimeField(auto_now_add=True, default=django.utils.timezone.now),
            preserve_default=False,
        ),
    ]
