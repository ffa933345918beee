"""Addresses of jobs and of what they are made from."""

from django.urls import path

from jobs.views import assets, charts, commands, detail, files, launch, listing, notices, templates

app_name = "jobs"
urlpatterns = [
    path("launch/", launch.launch, name="launch"),
    path("launch/draft/", launch.draft, name="launch-draft"),
    path("launch/template/", launch.keep, name="launch-template"),
    path("launch/upload/", files.upload_code, name="launch-upload"),
    path("jobs/", listing.job_list, name="job-list"),
    path("jobs/csv/", listing.job_csv, name="job-csv"),
    path("jobs/bulk/", listing.bulk, name="job-bulk"),
    path("jobs/<str:uid>/", detail.job_detail, name="job-detail"),
    path("jobs/<str:uid>/live/", detail.job_live, name="job-live"),
    path("jobs/<str:uid>/side/", detail.job_side, name="job-side"),
    path("jobs/<str:uid>/curves/", charts.job_curves, name="job-curves"),
    path("jobs/<str:uid>/cancel/", commands.cancel, name="job-cancel"),
    path("jobs/<str:uid>/hold/", commands.hold, name="job-hold"),
    path("jobs/<str:uid>/release/", commands.release, name="job-release"),
    path("jobs/<str:uid>/template/", templates.save_from_job, name="job-save-template"),
    path("jobs/<str:uid>/webhooks/", notices.webhook_add, name="job-webhook-add"),
    path("jobs/<str:uid>/webhooks/<str:hook>/", notices.webhook_switch, name="job-webhook-switch"),
    path("jobs/<str:uid>/attempts/<int:number>/run.sh", files.run_script, name="job-run-script"),
    path("templates/", templates.template_list, name="template-list"),
    path("templates/<str:uid>/", templates.template_edit, name="template-edit"),
    path("templates/<str:uid>/retire/", templates.template_retire, name="template-retire"),
    path("environments/", assets.environment_list, name="environment-list"),
    path("environments/<str:uid>/check/", assets.environment_check, name="environment-check"),
    path("environments/<str:uid>/remove/", assets.environment_remove, name="environment-remove"),
    path("datasets/", assets.dataset_list, name="dataset-list"),
    path("datasets/<str:uid>/scan/", assets.dataset_scan, name="dataset-scan"),
    path("datasets/<str:uid>/remove/", assets.dataset_remove, name="dataset-remove"),
    path("secrets/", assets.secret_list, name="secret-list"),
    path("secrets/<str:uid>/remove/", assets.secret_remove, name="secret-remove"),
    path("queues/", assets.queue_list, name="queue-list"),
]
