"""The operations and keys that poolproof reads are those of botocore's model of Cognito."""

import json
import pathlib

import boto3

keys = json.loads((pathlib.Path(__file__).parent / "keys.json").read_text())
client = boto3.client("cognito-idp", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
model = client.meta.service_model
assert model.metadata["jsonVersion"] == "1.1"
assert model.metadata["targetPrefix"] == "AWSCognitoIdentityProviderService"
assert len(keys) >= 72, len(keys)
for operation, read in keys.items():
    shape = model.operation_model(operation).input_shape
    unknown = set(read) - set(shape.members)
    # One shape serves CreateX and UpdateX: the id is read, and ignored, where something is made.
    made = operation in ("CreateUserPool", "CreateUserPoolClient")
    unknown -= {"UserPoolId", "ClientId"} if made else set()
    unknown -= {"GenerateSecret"} if operation == "UpdateUserPoolClient" else set()
    names = {"UsernameAttributes", "AliasAttributes", "UsernameConfiguration"}
    unknown -= names if operation == "UpdateUserPool" else set()
    assert not unknown, (operation, unknown)
    missing = set(shape.required_members) - set(read)
    assert not missing, (operation, missing)
print(f"{len(keys)} operations are the model's")
