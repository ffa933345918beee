"""Addresses of people, teams and tokens."""

from django.urls import path

import dcportal.common.paths  # noqa: F401  registers <uid:...>
from dcportal.accounts.views import profile, sessions, teams, tokens, users

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sessions.SignIn.as_view(), name="sign-in"),
    path("sign-out/", sessions.sign_out, name="sign-out"),
    path("link/<str:secret>/", sessions.link, name="link"),
    path("profile/", profile.profile, name="profile"),
    path("profile/password/", profile.password, name="password"),
    path("profile/end-sessions/", profile.end_sessions, name="end-sessions"),
    path("users/", users.user_list, name="user-list"),
    path("users/new/", users.user_create, name="user-create"),
    path("users/<uid:uid>/", users.user_detail, name="user-detail"),
    path("users/<uid:uid>/edit/", users.user_edit, name="user-edit"),
    path("users/<uid:uid>/deactivate/", users.user_deactivate, name="user-deactivate"),
    path("users/<uid:uid>/reactivate/", users.user_reactivate, name="user-reactivate"),
    path("users/<uid:uid>/end-sessions/", users.user_end_sessions, name="user-end-sessions"),
    path("users/<uid:uid>/link/", users.user_link, name="user-link"),
    path("teams/", teams.team_list, name="team-list"),
    path("teams/new/", teams.team_create, name="team-create"),
    path("teams/<uid:uid>/", teams.team_detail, name="team-detail"),
    path("teams/<uid:uid>/edit/", teams.team_edit, name="team-edit"),
    path("teams/<uid:uid>/delete/", teams.team_delete, name="team-delete"),
    path("teams/<uid:uid>/members/", teams.member_add, name="member-add"),
    path("teams/<uid:uid>/members/<uid:member_uid>/", teams.member_change, name="member-change"),
    path("teams/<uid:uid>/members/<uid:member_uid>/remove/", teams.member_remove, name="member-remove"),
    path("tokens/", tokens.token_list, name="token-list"),
    path("tokens/new/", tokens.token_create, name="token-create"),
    path("tokens/<uid:uid>/", tokens.token_detail, name="token-detail"),
    path("tokens/<uid:uid>/revoke/", tokens.token_revoke, name="token-revoke"),
]
