"""The check that an endpoint refuses a call, for the scripts that use boto3."""

from botocore.exceptions import ClientError


def refused(call, code, message=None):
    """The call is refused with this exception, and with this message if one is given."""
    try:
        answer = call()
    except ClientError as error:
        said = error.response["Error"]
        assert said["Code"] == code, (code, said)
        assert message is None or said["Message"] == message, (message, said)
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        return
    raise AssertionError(f"not refused with {code}: {answer}")
