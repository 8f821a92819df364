"""boto3 calls the operations around sign-in: recovery, attributes, groups, events, risk of a client, tags.

Usage: accounts.py ENDPOINT
"""

import json
import sys
import urllib.request

import boto3
import jwt
from botocore.config import Config
from refusal import refused

ENDPOINT = sys.argv[1]
PASSWORD = "Correct-Horse-1"
LIMIT = "Attempt limit exceeded, please try after some time."
MISMATCH = "Invalid verification code provided, please try again."

cognito = boto3.client(
    "cognito-idp",
    endpoint_url=ENDPOINT,
    region_name="us-east-1",
    aws_access_key_id="nobody",
    aws_secret_access_key="nothing",
    config=Config(retries={"max_attempts": 1}),
)


class Pool:
    """A pool with an app client and the user `ann`, whose e-mail address is verified."""

    def __init__(self, name, **settings):
        self.pool = cognito.create_user_pool(PoolName=name, **settings)["UserPool"]
        self.id = self.pool["Id"]
        self.client = self.add_client()
        attributes = [{"Name": "email", "Value": "ann@example.com"}, {"Name": "email_verified", "Value": "true"}]
        cognito.admin_create_user(
            UserPoolId=self.id, Username="ann", UserAttributes=attributes, MessageAction="SUPPRESS"
        )
        self.set_password(PASSWORD)
        self.user = {"UserPoolId": self.id, "Username": "ann"}

    def add_client(self, **settings):
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        made = cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName="app", ExplicitAuthFlows=flows, **settings
        )
        return made["UserPoolClient"]["ClientId"]

    def set_password(self, password):
        cognito.admin_set_user_password(UserPoolId=self.id, Username="ann", Password=password, Permanent=True)

    def sign_in(self, password=PASSWORD, client=None):
        answer = cognito.initiate_auth(
            ClientId=client or self.client, AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ann", "PASSWORD": password})
        return answer["AuthenticationResult"]

    def attributes(self):
        user = cognito.admin_get_user(**self.user)
        return {one["Name"]: one["Value"] for one in user["UserAttributes"]}


def outbox(name="ann"):
    """The messages that were sent to this user."""
    with urllib.request.urlopen(f"{ENDPOINT}/outbox?username={name}") as answer:
        return json.load(answer)["messages"]


def scene_recovery():
    pool = Pool("recovery")
    sent = cognito.forgot_password(ClientId=pool.client, Username="ann")["CodeDeliveryDetails"]
    assert sent == {"Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}, sent
    confirm = lambda code, password="Another-Horse-2": cognito.confirm_forgot_password(
        ClientId=pool.client, Username="ann", ConfirmationCode=code, Password=password)
    refused(lambda: confirm("nonsense"), "CodeMismatchException", MISMATCH)
    refused(lambda: confirm(outbox()[-1]["code"], "short"), "InvalidPasswordException")
    confirm(outbox()[-1]["code"])
    assert pool.sign_in("Another-Horse-2")["AccessToken"]
    refused(lambda: pool.sign_in(), "NotAuthorizedException")
    refused(lambda: cognito.forgot_password(ClientId=pool.client, Username="nobody"), "UserNotFoundException")
    cognito.admin_reset_user_password(**pool.user)
    assert cognito.admin_get_user(**pool.user)["UserStatus"] == "RESET_REQUIRED"
    refused(lambda: pool.sign_in("Another-Horse-2"), "PasswordResetRequiredException")
    for _ in range(17):
        refused(lambda: confirm("nonsense"), "CodeMismatchException")
    refused(lambda: confirm("nonsense"), "LimitExceededException", LIMIT)
    hiding = pool.add_client(PreventUserExistenceErrors="ENABLED")
    sent = cognito.forgot_password(ClientId=hiding, Username="nobody")["CodeDeliveryDetails"]
    assert sent["DeliveryMedium"] == "EMAIL" and not outbox("nobody")


def scene_attributes():
    pool = Pool("attributes", AliasAttributes=["email"], AutoVerifiedAttributes=["email"], UserAttributeUpdateSettings={
        "AttributesRequireVerificationBeforeUpdate": ["email"]})
    assert pool.pool["UserAttributeUpdateSettings"]["AttributesRequireVerificationBeforeUpdate"] == ["email"]
    access = pool.sign_in()["AccessToken"]
    sent = cognito.update_user_attributes(AccessToken=access, UserAttributes=[
        {"Name": "email", "Value": "new@example.com"}, {"Name": "locale", "Value": "en"}])
    assert [one["Destination"] for one in sent["CodeDeliveryDetailsList"]] == ["n***@e***"], sent
    assert pool.attributes()["email"] == "ann@example.com" and pool.attributes()["locale"] == "en"
    cognito.get_user_attribute_verification_code(AccessToken=access, AttributeName="email")
    verify = lambda code: cognito.verify_user_attribute(AccessToken=access, AttributeName="email", Code=code)
    refused(lambda: verify("nonsense"), "CodeMismatchException", MISMATCH)
    verify(outbox()[-1]["code"])
    assert pool.attributes()["email"] == "new@example.com" and pool.attributes()["email_verified"] == "true"
    cognito.delete_user_attributes(AccessToken=access, UserAttributeNames=["locale"])
    cognito.admin_update_user_attributes(**pool.user, UserAttributes=[{"Name": "nickname", "Value": "a"}])
    cognito.admin_delete_user_attributes(**pool.user, UserAttributeNames=["nickname", "email"])
    assert set(pool.attributes()) == {"sub"}, pool.attributes()
    cognito.delete_user(AccessToken=access)
    refused(lambda: cognito.admin_get_user(**pool.user), "UserNotFoundException", "User does not exist.")


def scene_resend():
    pool = Pool("resend", AutoVerifiedAttributes=["email"])
    cognito.sign_up(ClientId=pool.client, Username="bob", Password=PASSWORD,
                    UserAttributes=[{"Name": "email", "Value": "bob@example.com"}])
    sent = cognito.resend_confirmation_code(ClientId=pool.client, Username="bob")
    assert sent["CodeDeliveryDetails"]["Destination"] == "b***@e***"
    first, second = [one["code"] for one in outbox("bob")][-2:]
    cognito.confirm_sign_up(ClientId=pool.client, Username="bob", ConfirmationCode=second)
    refused(lambda: cognito.resend_confirmation_code(ClientId=pool.client, Username="bob"),
            "InvalidParameterException", "User is already confirmed.")


def scene_groups():
    pool = Pool("groups")
    role = "arn:aws:iam::000000000000:role/staff"
    made = cognito.create_group(UserPoolId=pool.id, GroupName="staff", Precedence=1, RoleArn=role)["Group"]
    assert made["GroupName"] == "staff" and made["RoleArn"] == role
    refused(lambda: cognito.create_group(UserPoolId=pool.id, GroupName="staff"), "GroupExistsException")
    cognito.update_group(UserPoolId=pool.id, GroupName="staff", Description="The staff")
    assert cognito.get_group(UserPoolId=pool.id, GroupName="staff")["Group"]["Description"] == "The staff"
    cognito.admin_add_user_to_group(**pool.user, GroupName="staff")
    tokens = pool.sign_in()
    for token in ("AccessToken", "IdToken"):
        claims = jwt.decode(tokens[token], options={"verify_signature": False})
        assert claims["cognito:groups"] == ["staff"], claims
    assert claims["cognito:preferred_role"] == role and claims["cognito:roles"] == [role]
    listed = cognito.admin_list_groups_for_user(**pool.user)["Groups"]
    assert [one["GroupName"] for one in listed] == ["staff"]
    users = cognito.list_users_in_group(UserPoolId=pool.id, GroupName="staff")["Users"]
    assert [one["Username"] for one in users] == ["ann"]
    cognito.admin_remove_user_from_group(**pool.user, GroupName="staff")
    assert cognito.admin_list_groups_for_user(**pool.user)["Groups"] == []
    for number in range(3):
        cognito.create_group(UserPoolId=pool.id, GroupName=f"group-{number}")
    pages = cognito.get_paginator("list_groups").paginate(UserPoolId=pool.id, PaginationConfig={"PageSize": 2})
    assert [one["GroupName"] for page in pages for one in page["Groups"]] == ["group-0", "group-1", "group-2", "staff"]
    cognito.delete_group(UserPoolId=pool.id, GroupName="staff")
    refused(lambda: cognito.get_group(UserPoolId=pool.id, GroupName="staff"),
            "ResourceNotFoundException", "Group not found.")


def scene_events_and_risk():
    pool = Pool("risk", UserPoolTier="PLUS", UserPoolAddOns={"AdvancedSecurityMode": "ENFORCED"})
    other = pool.add_client()
    action = lambda name: {"Notify": False, "EventAction": name}
    actions = lambda name: {"Actions": {level + "Action": action(name) for level in ("Low", "Medium", "High")}}
    configuration = cognito.set_risk_configuration(
        UserPoolId=pool.id, ClientId=other, AccountTakeoverRiskConfiguration=actions("NO_ACTION"))
    described = cognito.describe_risk_configuration(UserPoolId=pool.id, ClientId=other)
    assert described["RiskConfiguration"] == configuration["RiskConfiguration"]
    assert described["RiskConfiguration"]["ClientId"] == other
    add = lambda request, **_: request.headers.add_header("X-Poolproof-Risk", "high")
    cognito.meta.events.register("before-sign.cognito-identity-provider.*", add)
    try:
        refused(lambda: pool.sign_in(), "NotAuthorizedException", "Unable to login because of security reasons.")
        tokens = pool.sign_in(client=other)
    finally:
        cognito.meta.events.unregister("before-sign.cognito-identity-provider.*", add)
    passed, blocked = cognito.admin_list_user_auth_events(**pool.user)["AuthEvents"]
    assert passed["EventResponse"] == "Pass" and passed["EventRisk"]["RiskLevel"] == "High", passed
    assert blocked["EventResponse"] == "Fail" and blocked["EventRisk"]["RiskDecision"] == "Block", blocked
    claims = jwt.decode(tokens["IdToken"], options={"verify_signature": False})
    assert claims["event_id"] == passed["EventId"]
    assert passed["EventContextData"]["IpAddress"] == "127.0.0.1"
    cognito.admin_update_auth_event_feedback(**pool.user, EventId=passed["EventId"], FeedbackValue="Invalid")
    page = cognito.admin_list_user_auth_events(**pool.user, MaxResults=1)
    assert page["AuthEvents"][0]["EventFeedback"]["FeedbackValue"] == "Invalid"
    rest = cognito.admin_list_user_auth_events(**pool.user, NextToken=page["NextToken"])
    assert [one["EventId"] for one in rest["AuthEvents"]] == [blocked["EventId"]]


def scene_tags():
    pool = Pool("tags", UserPoolTags={"team": "a"})
    arn = pool.pool["Arn"]
    cognito.tag_resource(ResourceArn=arn, Tags={"stage": "test"})
    assert cognito.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"stage": "test", "team": "a"}
    cognito.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert cognito.describe_user_pool(UserPoolId=pool.id)["UserPool"]["UserPoolTags"] == {"stage": "test"}


def scene_disabled():
    pool = Pool("disabled")
    tokens = pool.sign_in()
    refresh = lambda: cognito.get_tokens_from_refresh_token(
        RefreshToken=tokens["RefreshToken"], ClientId=pool.client)["AuthenticationResult"]
    cognito.admin_disable_user(**pool.user)
    refused(refresh, "NotAuthorizedException", "User is disabled.")
    cognito.admin_enable_user(**pool.user)
    refused(lambda: cognito.get_user(AccessToken=tokens["AccessToken"]),
            "NotAuthorizedException", "Access Token has been revoked")
    assert cognito.get_user(AccessToken=refresh()["AccessToken"])["Username"] == "ann"


scenes = [(name, scene) for name, scene in globals().items() if name.startswith("scene_")]
for name, scene in scenes:
    scene()
    print(f"ok {name}", flush=True)
print(f"{len(scenes)} scenes")
