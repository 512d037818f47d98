"""The tables of language models and of their revision, and the triggers between them."""

import django.core.validators
import django.db.models.functions.datetime
import django_app.llms.models.key_field
import django_app.llms.models.rules
from django.db import migrations, models

from django_app.llms import triggers


def install_triggers(apps, schema_editor):
    """Also done after every migration, since SQLite loses them when a table is rebuilt."""
    triggers.install(schema_editor.connection)


def remove_triggers(apps, schema_editor):
    """PostgreSQL keeps a trigger's function when its table goes."""
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveBigIntegerField(default=0, verbose_name="number")),
                ("token", models.BigIntegerField(default=0, verbose_name="token")),
                ("changed_at", models.DateTimeField(null=True, verbose_name="changed at")),
            ],
            options={
                "verbose_name": "revision",
                "verbose_name_plural": "revisions",
                "db_table": "creative_services_revision",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Llms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "provider",
                    models.CharField(
                        help_text="openai, anthropic, groq, ollama, …", max_length=64, verbose_name="provider"
                    ),
                ),
                (
                    "model_name",
                    models.CharField(
                        help_text="The vendor's own name of the model.", max_length=200, verbose_name="model"
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("economy", "economy"),
                            ("standard", "standard"),
                            ("premium", "premium"),
                            ("local", "local"),
                        ],
                        max_length=16,
                        verbose_name="tier",
                    ),
                ),
                (
                    "api_key",
                    django_app.llms.models.key_field.KeyField(
                        blank=True,
                        default="",
                        help_text="By reference (env:NAME, file:/path) or sealed.",
                        verbose_name="API key",
                    ),
                ),
                (
                    "api_key_changed_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="API key changed at"),
                ),
                ("api_endpoint", models.CharField(blank=True, default="", max_length=500, verbose_name="endpoint")),
                (
                    "max_tokens",
                    models.PositiveIntegerField(
                        default=4096,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="maximum tokens",
                    ),
                ),
                (
                    "temperature",
                    models.FloatField(
                        blank=True,
                        default=0.7,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(2),
                        ],
                        verbose_name="temperature",
                    ),
                ),
                (
                    "cost_per_1k_input",
                    models.DecimalField(
                        blank=True,
                        decimal_places=10,
                        help_text="USD per 1,000 tokens; empty when unknown.",
                        max_digits=16,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="input price",
                    ),
                ),
                (
                    "cost_per_1k_output",
                    models.DecimalField(
                        blank=True,
                        decimal_places=10,
                        help_text="USD per 1,000 tokens; empty when unknown.",
                        max_digits=16,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="output price",
                    ),
                ),
                ("price_checked_on", models.DateField(blank=True, null=True, verbose_name="price checked on")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "capabilities",
                    models.JSONField(
                        blank=True,
                        default=list,
                        validators=[django_app.llms.models.rules.a_list_of_words],
                        verbose_name="capabilities",
                    ),
                ),
                ("context_window", models.PositiveIntegerField(blank=True, null=True, verbose_name="context window")),
                (
                    "options",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        validators=[django_app.llms.models.rules.a_dictionary],
                        verbose_name="options",
                    ),
                ),
                ("deprecated_on", models.DateField(blank=True, null=True, verbose_name="deprecated on")),
                ("retires_on", models.DateField(blank=True, null=True, verbose_name="retires on")),
                ("successor", models.CharField(blank=True, default="", max_length=200, verbose_name="successor")),
                ("pinned_until", models.DateTimeField(blank=True, null=True, verbose_name="pinned until")),
                (
                    "pin_reason",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="reason of the pin"),
                ),
                (
                    "managed_by",
                    models.CharField(
                        choices=[("admin", "admin"), ("code", "code")],
                        default="admin",
                        max_length=8,
                        verbose_name="managed by",
                    ),
                ),
                (
                    "managed_source",
                    models.CharField(blank=True, default="", editable=False, max_length=200, verbose_name="source"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        auto_now_add=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="created at",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now(), verbose_name="updated at"
                    ),
                ),
            ],
            options={
                "verbose_name": "language model",
                "verbose_name_plural": "language models",
                "db_table": "creative_services_llms",
                "ordering": (
                    "tier",
                    models.OrderBy(models.F("cost_per_1k_input"), nulls_last=True),
                    models.OrderBy(models.F("cost_per_1k_output"), nulls_last=True),
                    "id",
                ),
                "permissions": (
                    ("pin_llms", "Can pin a language model to its tier"),
                    ("rotate_secret", "Can rotate sealed API keys"),
                    ("test_llms", "Can test the connection of a language model"),
                ),
                "indexes": [models.Index(fields=["tier", "is_active", "cost_per_1k_input"], name="llms_selection")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("cost_per_1k_input", None), ("cost_per_1k_input__gte", 0), _connector="OR"),
                        name="llms_cost_per_1k_input_not_negative",
                        violation_error_message="A price cannot be negative.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cost_per_1k_output", None), ("cost_per_1k_output__gte", 0), _connector="OR"
                        ),
                        name="llms_cost_per_1k_output_not_negative",
                        violation_error_message="A price cannot be negative.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("temperature", None),
                            models.Q(("temperature__gte", 0), ("temperature__lte", 2)),
                            _connector="OR",
                        ),
                        name="llms_temperature_0_to_2",
                        violation_error_message="A temperature is between 0 and 2.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tier__in", ("economy", "standard", "premium", "local"))),
                        name="llms_tier_known",
                        violation_error_message="This tier does not exist.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("api_key", ""), ("api_key__startswith", "v1$"), ("api_key__contains", ":"), _connector="OR"
                        ),
                        name="llms_api_key_not_plain",
                        violation_error_message="A plain API key cannot be stored.",
                    ),
                    models.UniqueConstraint(
                        fields=("provider", "model_name", "api_endpoint", "name"),
                        name="llms_entry_unique",
                        violation_error_message="This entry exists already: same provider, model, endpoint and name.",
                    ),
                ],
            },
        ),
        migrations.RunPython(install_triggers, remove_triggers),
    ]
