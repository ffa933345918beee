"""The queue that a job joins when its request names none; it belongs to the site."""

from django.db import migrations
from django.utils import timezone

from dcportal.common.ids import new_uid


def make_default_queue(apps, schema_editor):
    queues = apps.get_model("jobs", "Queue")
    if not queues.objects.filter(is_default=True).exists():
        now = timezone.now()
        queues.objects.create(uid=new_uid(), created_at=now, updated_at=now, name="default", is_default=True)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [migrations.RunPython(make_default_queue, migrations.RunPython.noop)]
