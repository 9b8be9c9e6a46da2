import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import journal.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("exchange", "0004_execution_order"),
        ("instruments", "0003_books_of_known_instruments"),
    ]

    operations = [
        migrations.CreateModel(
            name="Bot",
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
                (
                    "broker",
                    models.CharField(
                        help_text="Where it trades, e.g. exchange or paper.", max_length=16
                    ),
                ),
                (
                    "on_death",
                    models.SmallIntegerField(
                        choices=[(0, "keep"), (1, "cancel"), (2, "close")],
                        default=1,
                        help_text="What becomes of its orders when its process dies.",
                    ),
                ),
                (
                    "is_wanted",
                    models.BooleanField(default=False, help_text="Whether it should be running."),
                ),
                (
                    "runner",
                    models.CharField(
                        blank=True,
                        default="",
                        editable=False,
                        help_text="Process that runs it.",
                        max_length=64,
                    ),
                ),
                ("heartbeat_at", journal.fields.MicrosecondsField(editable=False, null=True)),
                (
                    "peak",
                    models.BigIntegerField(
                        default=0, editable=False, help_text="Highest equity so far."
                    ),
                ),
                (
                    "executions",
                    models.BigIntegerField(
                        default=0,
                        editable=False,
                        help_text="Number of the venue's newest execution that counts.",
                    ),
                ),
                ("created_at", journal.fields.MicrosecondsField()),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        help_text="Of the simulated exchange, for the broker of the exchange.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bots",
                        to="exchange.account",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bots",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.CreateModel(
            name="BotConfiguration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(help_text="1, 2, 3 ...; the highest is in force."),
                ),
                ("parameters", models.JSONField(default=dict)),
                ("author", models.CharField(max_length=150)),
                ("created_at", journal.fields.MicrosecondsField()),
                (
                    "bot",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Empty: the limits of all bots together.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="configurations",
                        to="trading.bot",
                    ),
                ),
            ],
            options={
                "ordering": ["bot", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("bot", "number"), name="configuration_bot_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("bot", None)),
                        fields=("number",),
                        name="configuration_of_all_number",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KillSwitch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("thrown_at", journal.fields.MicrosecondsField()),
                ("thrown_by", models.CharField(max_length=150)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("is_on", models.BooleanField(default=True)),
                ("released_at", journal.fields.MicrosecondsField(null=True)),
                ("released_by", models.CharField(blank=True, default="", max_length=150)),
                (
                    "bot",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Empty: all bots.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="trading.bot",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "kill switches",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_on", True)),
                        fields=("bot",),
                        name="killswitch_bot_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("bot", None), ("is_on", True)),
                        fields=("is_on",),
                        name="killswitch_all_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BotPosition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[(0, "opening"), (1, "open"), (2, "closing"), (3, "closed")],
                        default=0,
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(default=0, help_text="Number of its transitions."),
                ),
                ("lots", models.BigIntegerField(default=0, help_text="Negative if short.")),
                (
                    "cost",
                    models.BigIntegerField(
                        default=0, help_text="At entry; its sign is that of the lots."
                    ),
                ),
                ("realised", models.BigIntegerField(default=0)),
                ("fees", models.BigIntegerField(default=0, help_text="Paid.")),
                ("funding", models.BigIntegerField(default=0, help_text="Received.")),
                ("strategy", models.CharField(blank=True, default="", max_length=40)),
                ("opened_at", journal.fields.MicrosecondsField()),
                ("updated_at", journal.fields.MicrosecondsField()),
                ("closed_at", journal.fields.MicrosecondsField(null=True)),
                (
                    "bot",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="positions",
                        to="trading.bot",
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="instruments.instrument",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["bot", "id"], name="botposition_bot_id")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", 3), _negated=True),
                        fields=("bot", "instrument"),
                        name="botposition_one_live",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cost", 0), ("lots", 0)),
                            models.Q(("cost__gt", 0), ("lots__gt", 0)),
                            models.Q(("cost__lt", 0), ("lots__lt", 0)),
                            _connector="OR",
                        ),
                        name="botposition_cost_has_sign_of_lots",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", 0),
                            models.Q(("lots", 0), ("state", 3)),
                            models.Q(("state__in", [1, 2]), models.Q(("lots", 0), _negated=True)),
                            _connector="OR",
                        ),
                        name="botposition_state_has_lots",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BotOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_id", models.CharField(max_length=36, unique=True)),
                (
                    "venue_id",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Empty until the venue names it.",
                        max_length=64,
                    ),
                ),
                ("strategy", models.CharField(blank=True, default="", max_length=40)),
                ("side", models.SmallIntegerField(choices=[(1, "buy"), (-1, "sell")])),
                (
                    "style",
                    models.SmallIntegerField(
                        choices=[(0, "post_only"), (1, "limit"), (2, "market")]
                    ),
                ),
                (
                    "ticks",
                    models.BigIntegerField(default=0, help_text="Limit; 0 if it has none."),
                ),
                ("lots", models.BigIntegerField()),
                ("reduce_only", models.BooleanField(default=False)),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (0, "pending"),
                            (1, "placed"),
                            (2, "partially_filled"),
                            (3, "filled"),
                            (4, "cancelled"),
                            (5, "rejected"),
                            (6, "failed"),
                        ],
                        default=0,
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(default=0, help_text="Number of its transitions."),
                ),
                (
                    "reported",
                    models.BigIntegerField(
                        default=0,
                        help_text="Number of the newest report of the venue that was applied.",
                    ),
                ),
                ("filled", models.BigIntegerField(default=0, help_text="Lots.")),
                (
                    "context",
                    models.JSONField(
                        default=dict, help_text="Signal, market and risk that led to it."
                    ),
                ),
                ("trace_id", models.CharField(max_length=32)),
                ("created_at", journal.fields.MicrosecondsField()),
                (
                    "sent_at",
                    journal.fields.MicrosecondsField(
                        help_text="Newest attempt to send it.", null=True
                    ),
                ),
                ("acknowledged_at", journal.fields.MicrosecondsField(null=True)),
                ("updated_at", journal.fields.MicrosecondsField()),
                (
                    "bot",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="trading.bot",
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="instruments.instrument",
                    ),
                ),
                (
                    "position",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="trading.botposition",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["bot", "id"], name="botorder_bot_id"),
                    models.Index(
                        condition=models.Q(("state__in", [0, 1, 2])),
                        fields=["bot", "instrument"],
                        name="botorder_working",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("filled__gte", 0),
                            ("lots__gt", 0),
                            ("side__in", [1, -1]),
                            ("ticks__gte", 0),
                            ("filled__lte", models.F("lots")),
                        ),
                        name="botorder_sums",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("filled", models.F("lots")), ("state", 3)),
                            models.Q(
                                models.Q(("state", 3), _negated=True),
                                ("filled__lt", models.F("lots")),
                            ),
                            _connector="OR",
                        ),
                        name="botorder_filled_is_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BotFill",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("venue_id", models.CharField(max_length=64)),
                ("at", journal.fields.MicrosecondsField()),
                ("ticks", models.BigIntegerField()),
                ("lots", models.BigIntegerField()),
                ("is_maker", models.BooleanField()),
                ("fee", models.BigIntegerField(help_text="Positive: paid.")),
                ("realised", models.BigIntegerField(help_text="Profit of what it closed.")),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fills",
                        to="trading.botorder",
                    ),
                ),
                (
                    "position",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fills",
                        to="trading.botposition",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("order", "venue_id"), name="botfill_once"),
                    models.CheckConstraint(
                        condition=models.Q(("lots__gt", 0), ("ticks__gt", 0)),
                        name="botfill_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("version", models.PositiveIntegerField()),
                ("source", models.SmallIntegerField()),
                ("event", models.SmallIntegerField()),
                ("target", models.SmallIntegerField()),
                ("lots", models.BigIntegerField(help_text="After it.")),
                (
                    "filled",
                    models.BigIntegerField(default=0, help_text="After it; of orders."),
                ),
                ("ticks", models.BigIntegerField(default=0, help_text="After it; of orders.")),
                (
                    "cause",
                    models.CharField(
                        blank=True, help_text="Who or what caused it.", max_length=200
                    ),
                ),
                ("at", journal.fields.MicrosecondsField()),
                ("trace_id", models.CharField(max_length=32)),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transitions",
                        to="trading.botorder",
                    ),
                ),
                (
                    "position",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transitions",
                        to="trading.botposition",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("order__isnull", False), ("position", None)),
                            models.Q(("order", None), ("position__isnull", False)),
                            _connector="OR",
                        ),
                        name="transition_of_one",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("order__isnull", False)),
                        fields=("order", "version"),
                        name="transition_order_version",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("position__isnull", False)),
                        fields=("position", "version"),
                        name="transition_position_version",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(help_text="Whose operation, e.g. bot:7.", max_length=64),
                ),
                ("key", models.CharField(max_length=64)),
                ("digest", models.CharField(help_text="Of its parameters.", max_length=64)),
                ("done", models.BooleanField(default=False)),
                ("result", models.JSONField(null=True)),
                (
                    "claimed_until",
                    journal.fields.MicrosecondsField(
                        help_text="Until then, another attempt waits for the one that is running."
                    ),
                ),
                ("expires_at", journal.fields.MicrosecondsField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("scope", "key"), name="idempotency_scope_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "seq",
                    models.BigIntegerField(
                        help_text="1, 2, 3 ...", primary_key=True, serialize=False
                    ),
                ),
                ("at", journal.fields.MicrosecondsField()),
                (
                    "actor",
                    models.CharField(help_text="User, bot or process.", max_length=150),
                ),
                ("action", models.CharField(max_length=40)),
                (
                    "bot",
                    models.BigIntegerField(
                        default=0, help_text="Its id, 0 if it concerns no single bot."
                    ),
                ),
                ("trace_id", models.CharField(max_length=32)),
                ("detail", models.TextField(help_text="JSON, as it was hashed.")),
                ("previous", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ["seq"],
                "indexes": [
                    models.Index(fields=["bot", "seq"], name="auditentry_bot_seq"),
                    models.Index(fields=["trace_id"], name="auditentry_trace"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("seq", models.BigIntegerField(default=0)),
                ("hash", models.CharField(default="0" * 64, max_length=64)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="audithead_one_row")
                ],
            },
        ),
    ]
