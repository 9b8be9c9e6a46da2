"""The groups of users who may run bots."""

from typing import Any

from django.db import migrations

GROUPS = ("traders", "trading admins")


def create(apps: Any, _: Any) -> None:
    for name in GROUPS:
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0003_recoveries"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
