"""Clients of boto3 for the local cloud that hold every answer to botocore's own model.

The endpoint is the first argument of the script that imports this, and the keys of the accounts are JSON on its
standard input. An answer that has members that the model does not know, lacks required ones, or has them in
another type is noted in PROBLEMS.
"""

import json
import sys

import boto3
from botocore.config import Config

ENDPOINT = sys.argv[1]
KEYS = json.load(sys.stdin)
PROBLEMS = []
SEEN = set()
# AWS's own examples show it, and its model does not know it.
UNMODELLED = {"usageOperationData"}
TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "structure": dict,
    "map": dict,
    "list": list,
}


def check(shape, value, path):
    """Compares a JSON value with a shape of the model, all the way down."""
    kind = TYPES.get(shape.type_name)
    if kind is None:
        return
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        PROBLEMS.append(f"{path}: {value!r} is no {shape.type_name}")
    elif shape.type_name == "structure":
        members = {m.serialization.get("name", name): m for name, m in shape.members.items()}
        for name in set(value) - set(members) - UNMODELLED:
            PROBLEMS.append(f"{path}.{name}: the model has no such member")
        for name in set(shape.required_members) - set(value):
            PROBLEMS.append(f"{path}.{name}: required and missing")
        for name in set(members) & set(value):
            check(members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            check(shape.member, item, f"{path}[]")
    elif shape.type_name == "map":
        for key, item in value.items():
            check(shape.value, item, f"{path}[{key}]")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        PROBLEMS.append(f"{path}: {value!r} is none of {shape.enum}")


def hold_to_model(operation_model, response_dict, **_):
    """Sees the answer before botocore drops what it does not know."""
    if response_dict["status_code"] >= 300:
        return
    SEEN.add(operation_model.name)
    shape, body = operation_model.output_shape, response_dict["body"]
    if shape is not None and body:
        check(shape, json.loads(body), operation_model.name)


def client(service, who, region="eu-central-1"):
    made = boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=region,
        aws_access_key_id=KEYS[who]["id"],
        aws_secret_access_key=KEYS[who]["secret"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    made.meta.events.register(f"before-parse.{made.meta.service_model.service_id.hyphenize()}", hold_to_model)
    return made


def refused(error, call, **arguments):
    try:
        call(**arguments)
    except error as caught:
        meta = caught.response["ResponseMetadata"]
        assert meta["HTTPStatusCode"] >= 400 and caught.response["Error"]["Message"], caught.response
        return caught.response
    raise AssertionError(f"{call.__name__} was not refused with {error.__name__}")
