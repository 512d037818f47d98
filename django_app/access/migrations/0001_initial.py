"""The tables of keys and of their revision, and the triggers between them."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
import django_app.access.key_text
import django_app.access.models.rules
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Cast, Replace

from django_app.access.changes import KEYS
from django_app.llms import triggers


def install_triggers(apps, schema_editor):
    """Also done after every migration, since SQLite loses them when a table is rebuilt."""
    triggers.install(schema_editor.connection, KEYS)


def remove_triggers(apps, schema_editor):
    """PostgreSQL keeps a trigger's function when its table goes."""
    triggers.remove(schema_editor.connection, KEYS)


def without_known_scopes() -> models.Func:
    """The list's text without the scopes there were and what parts them."""
    text: models.Func = Cast("scopes", models.TextField())
    for gone in ('"chat"', '"embeddings"', '"models"', ",", " "):
        text = Replace(text, models.Value(gone), output_field=models.TextField())
    return text


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccessKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key_id",
                    models.CharField(
                        default=django_app.access.key_text.new_id,
                        editable=False,
                        max_length=8,
                        unique=True,
                        verbose_name="key",
                    ),
                ),
                ("account", models.CharField(db_index=True, editable=False, max_length=8, verbose_name="account")),
                ("digest", models.CharField(editable=False, max_length=64, unique=True, verbose_name="digest")),
                (
                    "owner",
                    models.CharField(
                        help_text="The service, team or person that uses it.", max_length=200, verbose_name="owner"
                    ),
                ),
                ("note", models.CharField(blank=True, default="", max_length=200, verbose_name="note")),
                (
                    "tiers",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="None chosen: every tier.",
                        validators=[django_app.access.models.rules.only_tiers],
                        verbose_name="tiers",
                    ),
                ),
                (
                    "scopes",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="None chosen: everything.",
                        validators=[django_app.access.models.rules.only_scopes],
                        verbose_name="scopes",
                    ),
                ),
                (
                    "requests_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Empty: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="requests per minute",
                    ),
                ),
                (
                    "tokens_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Empty: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="tokens per minute",
                    ),
                ),
                (
                    "budget_per_day",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="In USD, by the UTC calendar. Empty: no limit.",
                        max_digits=16,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="budget per day",
                    ),
                ),
                (
                    "budget_per_month",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="In USD, by the UTC calendar. Empty: no limit.",
                        max_digits=16,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="budget per month",
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="Empty: never.", null=True, verbose_name="expires"),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Switched off, it can be switched on again.", verbose_name="active"
                    ),
                ),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="revoked at")),
                (
                    "revoked_by",
                    models.CharField(blank=True, default="", editable=False, max_length=200, verbose_name="revoked by"),
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
                    "created_by",
                    models.CharField(blank=True, default="", editable=False, max_length=200, verbose_name="created by"),
                ),
                (
                    "successor",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="predecessor",
                        to="creative_services_access.accesskey",
                        verbose_name="replaced by",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who answers for it, if they have an account here.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
                "db_table": "creative_services_access_key",
                "ordering": ("owner", "-id"),
                "permissions": (
                    ("revoke_accesskey", "Can revoke an API key"),
                    ("rotate_accesskey", "Can rotate an API key"),
                ),
            },
        ),
        migrations.CreateModel(
            name="KeyRevision",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveBigIntegerField(default=0, verbose_name="number")),
                ("token", models.BigIntegerField(default=0, verbose_name="token")),
                ("changed_at", models.DateTimeField(null=True, verbose_name="changed at")),
            ],
            options={
                "verbose_name": "revision",
                "verbose_name_plural": "revisions",
                "db_table": "creative_services_access_revision",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="KeyUse",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="use",
                        serialize=False,
                        to="creative_services_access.accesskey",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="last used")),
            ],
            options={
                "db_table": "creative_services_access_use",
                "default_permissions": (),
            },
        ),
        migrations.AddConstraint(
            model_name="accesskey",
            constraint=models.CheckConstraint(
                condition=models.Q(("requests_per_minute", None), ("requests_per_minute__gte", 1), _connector="OR"),
                name="access_requests_per_minute_least",
                violation_error_message="A limit of 0 lets nothing through: switch the key off instead.",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesskey",
            constraint=models.CheckConstraint(
                condition=models.Q(("tokens_per_minute", None), ("tokens_per_minute__gte", 1), _connector="OR"),
                name="access_tokens_per_minute_least",
                violation_error_message="A limit of 0 lets nothing through: switch the key off instead.",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesskey",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_per_day", None), ("budget_per_day__gte", 0), _connector="OR"),
                name="access_budget_per_day_least",
                violation_error_message="A budget cannot be negative.",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesskey",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_per_month", None), ("budget_per_month__gte", 0), _connector="OR"),
                name="access_budget_per_month_least",
                violation_error_message="A budget cannot be negative.",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesskey",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length("digest"), 64),
                name="access_digest_is_no_key",
                violation_error_message="Only the digest of a key is stored.",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesskey",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(without_known_scopes(), models.Value("[]")),
                name="access_scopes_known",
                violation_error_message="This is not a list of scopes.",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesskey",
            constraint=models.CheckConstraint(
                condition=models.Q(("revoked_at", None), ("is_active", False), _connector="OR"),
                name="access_revoked_is_off",
                violation_error_message="A revoked key stays revoked: make a new one.",
            ),
        ),
        migrations.RunPython(install_triggers, remove_triggers),
    ]
