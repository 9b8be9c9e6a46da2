import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="VenueAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=64,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]*\\Z",
                                "Use letters, digits, '.', '_' and '-', and begin with a letter or digit.",
                            )
                        ],
                    ),
                ),
                ("venue", models.CharField(max_length=64)),
                (
                    "url",
                    models.CharField(
                        blank=True, help_text="Address instead of the venue's own.", max_length=200
                    ),
                ),
                ("api_key", models.CharField(max_length=200)),
                ("sealed_secret", models.BinaryField()),
                (
                    "is_enabled",
                    models.BooleanField(default=False, help_text="Whether orders may be sent."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
    ]
