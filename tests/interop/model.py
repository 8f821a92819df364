"""The operations, keys and constraints that poolproof has are those of botocore's model of Cognito."""

import json
import pathlib
import re

import boto3

here = pathlib.Path(__file__).parent
keys = json.loads((here / "keys.json").read_text())
client = boto3.client("cognito-idp", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
model = client.meta.service_model
assert model.metadata["jsonVersion"] == "1.1"
assert model.metadata["targetPrefix"] == "AWSCognitoIdentityProviderService"
assert len(keys) >= 72, len(keys)
for operation, read in keys.items():
    shape = model.operation_model(operation).input_shape
    unknown = set(read) - set(shape.members)
    assert not unknown, (operation, unknown)
    missing = set(shape.required_members) - set(read)
    assert not missing, (operation, missing)


class Table:
    """The table of constraints, as crates/cognito/src/model/table.rs reads it."""

    # The patterns of two members that only documents have are left out.
    UNCONSTRAINED = {"ClientSecretArnType", "DomainType"}
    # Messages of AWS show the value of ClientId, although the model marks it as sensitive.
    SHOWN = {"ClientIdType"}

    def __init__(self, text):
        lines = []
        for line in text.splitlines():
            if line.startswith(" "):
                lines[-1] += line
            elif line and not line.startswith("#"):
                lines.append(line)
        self.types, self.operations, self.documents, self.other = {}, {}, {}, set()
        for line in lines:
            kind, name, *rest = line.split(" ", 2)
            words = rest[0].split() if rest else []
            if kind == "operation":
                self.operations[name] = words
            elif kind == "document":
                self.documents[name] = words
            elif kind == "other":
                self.other = {name, *words}
            else:
                assert name not in self.types, name
                self.types[name] = (kind, rest[0] if rest else "", words)

    @staticmethod
    def member(word):
        word = re.split("[=~]", word.lstrip("-~"))[0]
        name, _, type_name = word.partition(":")
        return name.rstrip("!"), type_name or name.rstrip("!"), name.endswith("!")

    def structure(self, words, shape, path):
        members = [self.member(word) for word in words]
        assert [name for name, _, _ in members] == list(shape.members), path
        assert {name for name, _, required in members if required} == set(shape.required_members), path
        for name, type_name, _ in members:
            self.check(type_name, shape.members[name], f"{path}.{name}")

    def check(self, type_name, shape, path):
        kind, text, words = self.types.get(type_name, ("any", "", []))
        facts = shape.metadata
        bounds = f"{facts.get('min', '')}..{facts.get('max', '')}"
        bounds = "" if bounds == ".." else bounds
        if kind == "any":
            # The longest request is shorter than the longest StringType.
            free = shape.name == "StringType" or shape.name in self.UNCONSTRAINED
            assert free or not (facts.get("enum") or facts.get("pattern") or bounds) or shape.type_name == "map", path
            assert shape.type_name not in ("structure", "list"), path
        elif kind in ("text", "secret"):
            assert text == " ".join(filter(None, (bounds, facts.get("pattern")))), path
            assert (kind == "secret") == (bool(facts.get("sensitive")) and shape.name not in self.SHOWN), path
            assert shape.type_name == "string" and not facts.get("enum"), path
        elif kind == "enum":
            assert words == shape.enum, path
        elif kind == "number":
            assert text == bounds and shape.type_name in ("integer", "long"), path
        elif kind == "list":
            assert " ".join(words[1:]) == bounds and shape.type_name == "list", path
            self.check(words[0], shape.member, f"{path}.member")
        else:
            self.structure(words, shape, path)


table = Table((here.parent.parent / "crates/cognito/src/model/constraints.txt").read_text())
assert {*table.operations, *table.other} == set(model.operation_names)
for operation, words in table.operations.items():
    table.structure(words, model.operation_model(operation).input_shape, operation)
output = {"UserPool": "DescribeUserPool", "UserPoolClient": "DescribeUserPoolClient"}
output["RiskConfiguration"] = "DescribeRiskConfiguration"
for document, words in table.documents.items():
    if document in output:
        shape = model.operation_model(output[document]).output_shape.members[document]
    else:
        shape = model.operation_model("GetUserPoolMfaConfig").output_shape
    table.structure(words, shape, document)
# Operations without AWS credentials are those that web pages can call.
access = (here.parent.parent / "src/http/server/access.rs").read_text()
public = re.search(r"PUBLIC_OPERATIONS: [^=]*= \[(.*?)\];", access, re.DOTALL)[1]
without_credentials = {name for name in model.operation_names if model.operation_model(name).auth_type == "none"}
assert set(re.findall(r"\w+", public)) == without_credentials
print(f"{len(keys)} operations are the model's")
