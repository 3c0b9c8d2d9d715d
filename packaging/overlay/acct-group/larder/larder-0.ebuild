# Distributed under the terms of the Apache License 2.0

EAPI=8

inherit acct-group

DESCRIPTION="Who may use the control socket of app-portage/larder"
ACCT_GROUP_ID=-1
