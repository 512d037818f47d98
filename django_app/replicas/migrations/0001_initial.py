from django.db import migrations, models


class Migration(migrations.Migration):
    """No table: only what permissions hang on."""

    initial = True

    operations = [
        migrations.CreateModel(
            name="Replica",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "replica",
                "verbose_name_plural": "replicas",
                "permissions": (
                    ("drain_replica", "Can drain a replica, and take that back"),
                    ("evict_replica", "Can evict a replica"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
    ]
