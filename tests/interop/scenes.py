"""boto3 and pycognito sign in to a pool that poolproof serves: the scenes of SEMANTICS a.

Usage: scenes.py ENDPOINT HANDSHAKES
"""

import base64
import hashlib
import hmac
import json
import struct
import sys
import time
import urllib.request

import boto3
import jwt
from botocore.config import Config
from pycognito.aws_srp import AWSSRP, generate_hash_device
from pycognito.exceptions import SMSMFAChallengeException, SoftwareTokenMFAChallengeException
from refusal import refused

ENDPOINT, HANDSHAKES = sys.argv[1], int(sys.argv[2])
PASSWORD = "Correct-Horse-1"

cognito = boto3.client(
    "cognito-idp",
    endpoint_url=ENDPOINT,
    region_name="us-east-1",
    aws_access_key_id="nobody",
    aws_secret_access_key="nothing",
    config=Config(retries={"max_attempts": 1}),
)

ALL_FLOWS = [
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms"}


class Pool:
    """A pool of these settings with one client."""

    def __init__(self, name, devices=None, mfa="OFF", secret=False, **settings):
        if devices is not None:
            settings["DeviceConfiguration"] = devices
        made = cognito.create_user_pool(PoolName=name, MfaConfiguration=mfa, SmsConfiguration=SMS, **settings)
        self.id = made["UserPool"]["Id"]
        if mfa != "OFF":
            cognito.set_user_pool_mfa_config(
                UserPoolId=self.id,
                MfaConfiguration=mfa,
                SmsMfaConfiguration={"SmsConfiguration": SMS},
                SoftwareTokenMfaConfiguration={"Enabled": True},
                EmailMfaConfiguration={},
            )
        client = cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName="app", GenerateSecret=secret, ExplicitAuthFlows=ALL_FLOWS
        )["UserPoolClient"]
        self.client, self.secret = client["ClientId"], client.get("ClientSecret")

    def add(self, name, phone=None):
        """A confirmed user; with a phone, codes sent to it are a second factor."""
        attributes = [{"Name": "email", "Value": f"{name}@example.com"}]
        if phone:
            attributes.append({"Name": "phone_number", "Value": phone})
        cognito.admin_create_user(
            UserPoolId=self.id, Username=name, UserAttributes=attributes, MessageAction="SUPPRESS"
        )
        cognito.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)
        if phone:
            cognito.admin_set_user_mfa_preference(
                UserPoolId=self.id, Username=name, SMSMfaSettings={"Enabled": True, "PreferredMfa": True}
            )

    def srp(self, name, device=None, password=PASSWORD):
        keys = {} if device is None else {
            "device_key": device.key, "device_group_key": device.group, "device_password": device.password,
        }
        return AWSSRP(
            username=name, password=password, pool_id=self.id, client_id=self.client,
            client=cognito, client_secret=self.secret, **keys,
        )

    def sign_in(self, name, device=None, password=PASSWORD):
        answer = self.srp(name, device, password).authenticate_user()
        return answer["AuthenticationResult"]

    def answer_sms(self, name, challenge, **more):
        """Answers SMS_MFA with the code in the outbox."""
        responses = {"USERNAME": challenge["ChallengeParameters"]["USER_ID_FOR_SRP"], "SMS_MFA_CODE": code(name), **more}
        return cognito.respond_to_auth_challenge(
            ClientId=self.client, ChallengeName="SMS_MFA", Session=challenge["Session"], ChallengeResponses=responses
        )


class Device:
    """A device that has been confirmed."""

    def __init__(self, tokens, name="laptop"):
        metadata = tokens["NewDeviceMetadata"]
        self.key, self.group = metadata["DeviceKey"], metadata["DeviceGroupKey"]
        self.password, verifier = generate_hash_device(self.group, self.key)
        self.answer = cognito.confirm_device(
            AccessToken=tokens["AccessToken"], DeviceKey=self.key,
            DeviceSecretVerifierConfig=verifier, DeviceName=name,
        )


def code(name):
    """The code that was last sent to this user."""
    with urllib.request.urlopen(f"{ENDPOINT}/outbox?username={name}") as answer:
        return json.load(answer)["messages"][-1]["code"]


def totp(secret, step):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


ALWAYS = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
ALWAYS_WITH_MFA = {"ChallengeRequiredOnNewDevice": False, "DeviceOnlyRememberedOnUserPrompt": False}
OPT_IN = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": True}


def scene_not_tracked():
    pool = Pool("not-tracked")
    pool.add("ann")
    tokens = pool.sign_in("ann")
    assert "NewDeviceMetadata" not in tokens and tokens["TokenType"] == "Bearer"
    refused(lambda: pool.sign_in("ann", password="Wrong-Horse-1"),
            "NotAuthorizedException", "Incorrect username or password.")
    refused(lambda: pool.sign_in("nobody"), "UserNotFoundException", "User does not exist.")


def scene_new_and_remembered():
    pool = Pool("always", ALWAYS)
    pool.add("ann")
    tokens = pool.sign_in("ann")
    device = Device(tokens)
    assert device.answer["UserConfirmationNecessary"] is False
    again = pool.sign_in("ann", device)
    assert "NewDeviceMetadata" not in again
    claims = jwt.decode(again["AccessToken"], options={"verify_signature": False})
    assert claims["device_key"] == device.key
    refused(lambda: Device(tokens), "DeviceKeyExistsException")
    # An address is no alias in a pool without AliasAttributes.
    refused(lambda: pool.sign_in("ann@example.com", device), "UserNotFoundException")


def scene_suppressed():
    pool = Pool("suppressed", ALWAYS, mfa="OPTIONAL")
    pool.add("ann", phone="+15550100")
    try:
        pool.sign_in("ann")
        raise AssertionError("no MFA was asked for")
    except SMSMFAChallengeException as challenge:
        asked = challenge.get_tokens()
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "+*******0100"
    wrong = "000000" if code("ann") != "000000" else "111111"
    refused(lambda: cognito.respond_to_auth_challenge(
        ClientId=pool.client, ChallengeName="SMS_MFA", Session=asked["Session"],
        ChallengeResponses={"USERNAME": "ann", "SMS_MFA_CODE": wrong}), "CodeMismatchException")
    device = Device(pool.answer_sms("ann", asked)["AuthenticationResult"])
    assert "NewDeviceMetadata" not in pool.sign_in("ann", device), "the device replaces the code"


def scene_not_suppressed():
    pool = Pool("not-suppressed", ALWAYS_WITH_MFA, mfa="OPTIONAL")
    pool.add("ann", phone="+15550100")
    try:
        pool.sign_in("ann")
    except SMSMFAChallengeException as challenge:
        device = Device(pool.answer_sms("ann", challenge.get_tokens())["AuthenticationResult"])
    srp = pool.srp("ann", device)
    try:
        srp.authenticate_user()
        raise AssertionError("no MFA was asked for")
    except SMSMFAChallengeException as challenge:
        turn = pool.answer_sms("ann", challenge.get_tokens(), DEVICE_KEY=device.key)
    assert turn["ChallengeName"] == "DEVICE_SRP_AUTH"
    proof = cognito.respond_to_auth_challenge(
        ClientId=pool.client, ChallengeName="DEVICE_SRP_AUTH", Session=turn["Session"],
        ChallengeResponses={"USERNAME": "ann", "DEVICE_KEY": device.key, "SRP_A": f"{srp.large_a_value:x}"},
    )
    answer = srp.process_device_challenge(proof["ChallengeParameters"])
    done = cognito.respond_to_auth_challenge(
        ClientId=pool.client, ChallengeName="DEVICE_PASSWORD_VERIFIER", ChallengeResponses=answer)
    assert done["AuthenticationResult"]["AccessToken"]


def scene_opt_in():
    pool = Pool("opt-in", OPT_IN)
    pool.add("ann")
    tokens = pool.sign_in("ann")
    device = Device(tokens)
    assert device.answer["UserConfirmationNecessary"] is True
    access = tokens["AccessToken"]
    assert cognito.list_devices(AccessToken=access)["Devices"] == []
    listed = cognito.admin_list_devices(UserPoolId=pool.id, Username="ann")["Devices"]
    assert [one["DeviceKey"] for one in listed] == [device.key]
    cognito.update_device_status(AccessToken=access, DeviceKey=device.key, DeviceRememberedStatus="remembered")
    shown = cognito.get_device(AccessToken=access, DeviceKey=device.key)["Device"]
    attributes = {one["Name"]: one["Value"] for one in shown["DeviceAttributes"]}
    assert attributes["device_name"] == "laptop" and attributes["last_ip_used"] == "127.0.0.1"
    assert abs(shown["DeviceCreateDate"].timestamp() - time.time()) < 60
    assert pool.sign_in("ann", device)["AccessToken"]
    cognito.admin_update_device_status(
        UserPoolId=pool.id, Username="ann", DeviceKey=device.key, DeviceRememberedStatus="not_remembered")
    refused(lambda: cognito.get_device(AccessToken=access, DeviceKey=device.key),
            "ResourceNotFoundException", "Device does not exist.")


def scene_forgotten():
    pool = Pool("forgotten", ALWAYS)
    pool.add("ann")
    device = Device(pool.sign_in("ann"))
    cognito.admin_forget_device(UserPoolId=pool.id, Username="ann", DeviceKey=device.key)
    refused(lambda: pool.sign_in("ann", device), "ResourceNotFoundException", "Device does not exist.")
    tokens = pool.sign_in("ann")
    own = Device(tokens)
    cognito.forget_device(AccessToken=tokens["AccessToken"], DeviceKey=own.key)
    refused(lambda: pool.sign_in("ann", own), "ResourceNotFoundException", "Device does not exist.")


def scene_wrong_secret():
    pool = Pool("wrong-secret", ALWAYS)
    pool.add("ann")
    device = Device(pool.sign_in("ann"))
    device.password = base64.standard_b64encode(bytes(40)).decode()
    refused(lambda: pool.sign_in("ann", device), "NotAuthorizedException", "Incorrect username or password.")


def scene_refresh():
    pool = Pool("refresh", ALWAYS)
    pool.add("ann")
    tokens = pool.sign_in("ann")
    device = Device(tokens)

    def refresh(**key):
        return cognito.initiate_auth(
            ClientId=pool.client, AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"], **key})["AuthenticationResult"]

    fresh = refresh(DEVICE_KEY=device.key)
    assert "RefreshToken" not in fresh
    read = lambda token: jwt.decode(token, options={"verify_signature": False})
    before, after = read(tokens["AccessToken"]), read(fresh["AccessToken"])
    assert before["auth_time"] == after["auth_time"] and before["origin_jti"] == after["origin_jti"]
    assert before["jti"] != after["jti"]
    refused(refresh, "NotAuthorizedException", "Invalid Refresh Token.")
    got = cognito.get_tokens_from_refresh_token(
        RefreshToken=tokens["RefreshToken"], ClientId=pool.client, DeviceKey=device.key)
    assert got["AuthenticationResult"]["AccessToken"]
    other = cognito.create_user_pool_client(UserPoolId=pool.id, ClientName="other")["UserPoolClient"]["ClientId"]
    refused(lambda: cognito.get_tokens_from_refresh_token(
        RefreshToken=tokens["RefreshToken"], ClientId=other, DeviceKey=device.key), "NotAuthorizedException")
    cognito.revoke_token(Token=tokens["RefreshToken"], ClientId=pool.client)
    refused(lambda: refresh(DEVICE_KEY=device.key), "NotAuthorizedException", "Refresh Token has been revoked")
    refused(lambda: cognito.get_user(AccessToken=fresh["AccessToken"]),
            "NotAuthorizedException", "Access Token has been revoked")


def scene_pages():
    pool = Pool("pages", ALWAYS)
    pool.add("ann")
    keys = []
    for number in range(3):
        tokens = pool.sign_in("ann")
        keys.append(Device(tokens, f"device {number}").key)
    seen, more = [], {}
    while True:
        page = cognito.list_devices(AccessToken=tokens["AccessToken"], Limit=2, **more)
        seen += [one["DeviceKey"] for one in page["Devices"]]
        if "PaginationToken" not in page:
            break
        more = {"PaginationToken": page["PaginationToken"]}
    assert sorted(seen) == sorted(keys)


def scene_administrator():
    pool = Pool("administrator", ALWAYS)
    cognito.admin_create_user(
        UserPoolId=pool.id, Username="ann", UserAttributes=[{"Name": "email", "Value": "ann@example.com"}])
    start = cognito.admin_initiate_auth(
        UserPoolId=pool.id, ClientId=pool.client, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": code("ann")})
    assert start["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    done = cognito.admin_respond_to_auth_challenge(
        UserPoolId=pool.id, ClientId=pool.client, ChallengeName="NEW_PASSWORD_REQUIRED", Session=start["Session"],
        ChallengeResponses={"USERNAME": "ann", "NEW_PASSWORD": PASSWORD})
    access = done["AuthenticationResult"]["AccessToken"]
    assert done["AuthenticationResult"]["NewDeviceMetadata"]
    user = cognito.admin_get_user(UserPoolId=pool.id, Username="ann")
    assert user["UserStatus"] == "CONFIRMED" and user["Enabled"] is True
    refused(lambda: cognito.admin_create_user(UserPoolId=pool.id, Username="ann"), "UsernameExistsException")
    cognito.change_password(AccessToken=access, PreviousPassword=PASSWORD, ProposedPassword="Another-Horse-2")
    refused(lambda: cognito.change_password(
        AccessToken=access, PreviousPassword=PASSWORD, ProposedPassword="Another-Horse-3"), "NotAuthorizedException")
    assert pool.sign_in("ann", password="Another-Horse-2")["AccessToken"]
    cognito.admin_user_global_sign_out(UserPoolId=pool.id, Username="ann")
    refused(lambda: cognito.get_user(AccessToken=access),
            "NotAuthorizedException", "Access Token has been revoked")
    cognito.admin_disable_user(UserPoolId=pool.id, Username="ann")
    refused(lambda: pool.sign_in("ann", password="Another-Horse-2"), "NotAuthorizedException", "User is disabled.")
    cognito.admin_enable_user(UserPoolId=pool.id, Username="ann")
    assert pool.sign_in("ann", password="Another-Horse-2")["AccessToken"]
    for name in ("bob", "bea", "cyd"):
        pool.add(name)
    found = cognito.list_users(UserPoolId=pool.id, Filter='username ^= "b"')["Users"]
    assert [one["Username"] for one in found] == ["bob", "bea"]
    page = cognito.list_users(UserPoolId=pool.id, Limit=3)
    rest = cognito.list_users(UserPoolId=pool.id, PaginationToken=page["PaginationToken"])
    assert [one["Username"] for one in page["Users"] + rest["Users"]] == ["ann", "bob", "bea", "cyd"]
    cognito.admin_delete_user(UserPoolId=pool.id, Username="ann")
    refused(lambda: cognito.admin_get_user(UserPoolId=pool.id, Username="ann"), "UserNotFoundException")


def scene_sign_up():
    pool = Pool("sign-up", ALWAYS, secret=True, AutoVerifiedAttributes=["email"])
    digest = hmac.new(pool.secret.encode(), ("ann" + pool.client).encode(), hashlib.sha256).digest()
    hashed = base64.b64encode(digest).decode()
    up = cognito.sign_up(
        ClientId=pool.client, SecretHash=hashed, Username="ann", Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}])
    assert up["UserConfirmed"] is False and up["CodeDeliveryDetails"]["Destination"] == "a***@e***"
    refused(lambda: pool.sign_in("ann"), "UserNotConfirmedException")
    refused(lambda: cognito.confirm_sign_up(
        ClientId=pool.client, SecretHash=hashed, Username="ann", ConfirmationCode="x"), "CodeMismatchException")
    refused(lambda: cognito.confirm_sign_up(
        ClientId=pool.client, Username="ann", ConfirmationCode=code("ann")), "NotAuthorizedException")
    cognito.confirm_sign_up(ClientId=pool.client, SecretHash=hashed, Username="ann", ConfirmationCode=code("ann"))
    tokens = pool.sign_in("ann")
    assert tokens["AccessToken"]
    profile = cognito.get_user(AccessToken=tokens["AccessToken"])
    attributes = {one["Name"]: one["Value"] for one in profile["UserAttributes"]}
    assert attributes["email_verified"] == "true" and attributes["sub"] == up["UserSub"]


def scene_software_token():
    pool = Pool("software-token", ALWAYS_WITH_MFA, mfa="OPTIONAL")
    pool.add("ann")
    access = pool.sign_in("ann")["AccessToken"]
    secret = cognito.associate_software_token(AccessToken=access)["SecretCode"]
    settings = {"Enabled": True, "PreferredMfa": True}
    refused(lambda: cognito.set_user_mfa_preference(AccessToken=access, SoftwareTokenMfaSettings=settings),
            "InvalidParameterException")
    step = int(time.time()) // 30
    assert cognito.verify_software_token(AccessToken=access, UserCode=totp(secret, step))["Status"] == "SUCCESS"
    cognito.set_user_mfa_preference(AccessToken=access, SoftwareTokenMfaSettings=settings)
    shown = cognito.get_user(AccessToken=access)
    assert shown["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    try:
        pool.sign_in("ann")
        raise AssertionError("no MFA was asked for")
    except SoftwareTokenMFAChallengeException as challenge:
        asked = challenge.get_tokens()

    def answer(typed):
        return cognito.respond_to_auth_challenge(
            ClientId=pool.client, ChallengeName="SOFTWARE_TOKEN_MFA", Session=asked["Session"],
            ChallengeResponses={"USERNAME": "ann", "SOFTWARE_TOKEN_MFA_CODE": typed})

    refused(lambda: answer(totp(secret, step)), "ExpiredCodeException")
    assert answer(totp(secret, step + 1))["AuthenticationResult"]["NewDeviceMetadata"]


def scene_tokens_can_be_checked():
    pool = Pool("tokens", ALWAYS)
    pool.add("ann")
    tokens = pool.sign_in("ann")
    issuer = f"{ENDPOINT}/{pool.id}"
    with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration") as answer:
        configuration = json.load(answer)
    assert configuration["issuer"] == issuer
    keys = jwt.PyJWKClient(configuration["jwks_uri"])
    kids = []
    for token, audience in ((tokens["AccessToken"], None), (tokens["IdToken"], pool.client)):
        key = keys.get_signing_key_from_jwt(token)
        kids.append(key.key_id)
        claims = jwt.decode(token, key.key, algorithms=["RS256"], audience=audience, issuer=issuer)
        assert claims["exp"] - claims["iat"] == 3600
    assert kids[0] != kids[1], "id and access tokens have different keys"
    assert claims["token_use"] == "id" and claims["cognito:username"] == "ann"
    access = jwt.decode(tokens["AccessToken"], options={"verify_signature": False})
    assert access["token_use"] == "access" and access["client_id"] == pool.client
    assert access["device_key"] == tokens["NewDeviceMetadata"]["DeviceKey"]
    assert access["scope"] == "aws.cognito.signin.user.admin" and access["sub"] == claims["sub"]
    head, body, signature = tokens["AccessToken"].split(".")
    forged = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    forged["username"] = "bob"
    forged = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    refused(lambda: cognito.get_user(AccessToken=f"{head}.{forged}.{signature}"),
            "NotAuthorizedException", "Invalid Access Token")
    refused(lambda: cognito.get_user(AccessToken=tokens["IdToken"]), "NotAuthorizedException")


def scene_risk():
    pool = Pool("risk", ALWAYS, mfa="OPTIONAL", UserPoolTier="PLUS", UserPoolAddOns={"AdvancedSecurityMode": "ENFORCED"})
    pool.add("ann", phone="+15550100")
    actions = {
        "LowAction": {"Notify": False, "EventAction": "NO_ACTION"},
        "MediumAction": {"Notify": False, "EventAction": "MFA_REQUIRED"},
        "HighAction": {"Notify": False, "EventAction": "BLOCK"},
    }
    reply = cognito.set_risk_configuration(
        UserPoolId=pool.id, AccountTakeoverRiskConfiguration={"Actions": actions})["RiskConfiguration"]
    assert reply["AccountTakeoverRiskConfiguration"]["Actions"] == actions
    assert cognito.describe_risk_configuration(UserPoolId=pool.id)["RiskConfiguration"] == reply
    level = {"X-Poolproof-Risk": "high"}
    add = lambda request, **_: request.headers.add_header(*level.copy().popitem())
    cognito.meta.events.register("before-sign.cognito-identity-provider.*", add)
    try:
        refused(lambda: pool.sign_in("ann"), "NotAuthorizedException", "Unable to login because of security reasons.")
    finally:
        cognito.meta.events.unregister("before-sign.cognito-identity-provider.*", add)


def scene_management():
    pool = Pool("management", OPT_IN, mfa="OPTIONAL")
    reply = cognito.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert reply["DeviceConfiguration"] == OPT_IN and reply["MfaConfiguration"] == "OPTIONAL"
    cognito.update_user_pool(UserPoolId=pool.id, DeviceConfiguration=ALWAYS)
    reply = cognito.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert reply["DeviceConfiguration"] == ALWAYS and reply["MfaConfiguration"] == "OFF"
    config = cognito.set_user_pool_mfa_config(
        UserPoolId=pool.id, MfaConfiguration="ON", SoftwareTokenMfaConfiguration={"Enabled": True})
    assert config["MfaConfiguration"] == "ON"
    assert cognito.get_user_pool_mfa_config(UserPoolId=pool.id)["SoftwareTokenMfaConfiguration"] == {"Enabled": True}
    client = cognito.describe_user_pool_client(UserPoolId=pool.id, ClientId=pool.client)["UserPoolClient"]
    assert client["ExplicitAuthFlows"] == ALL_FLOWS and "ClientSecret" not in client
    refused(lambda: cognito.create_user_pool(PoolName="x", MfaConfiguration="ON", DeviceConfiguration={},
            UserPoolAddOns={"AdvancedSecurityMode": "MAYBE"}), "InvalidParameterException")
    cognito.delete_user_pool(UserPoolId=pool.id)
    refused(lambda: cognito.describe_user_pool(UserPoolId=pool.id), "ResourceNotFoundException",
            f"User pool {pool.id} does not exist.")
    refused(lambda: pool.sign_in("ann"), "ResourceNotFoundException",
            f"User pool client {pool.client} does not exist.")


def scene_handshakes():
    """One device each, again and again: every 256th number begins with a zero byte."""
    pool = Pool("handshakes", ALWAYS)
    pool.add("ann")
    for _ in range(HANDSHAKES):
        device = Device(pool.sign_in("ann"))
        tokens = pool.sign_in("ann", device)
        assert "NewDeviceMetadata" not in tokens
        cognito.forget_device(AccessToken=tokens["AccessToken"], DeviceKey=device.key)


scenes = [(name, scene) for name, scene in globals().items() if name.startswith("scene_")]
for name, scene in scenes:
    scene()
    print(f"ok {name}", flush=True)
print(f"{len(scenes)} scenes, {HANDSHAKES} device handshakes")
