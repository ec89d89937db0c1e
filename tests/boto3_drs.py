"""Calls the simulated DRS, Service Quotas and the tagging API with boto3, and holds every answer to botocore's own model.

Usage: boto3_drs.py ENDPOINT, with the keys of the accounts as JSON on standard input. Ends with status 1 and
a list of problems when an answer has members that the model does not know, lacks required ones, or has them
in another type.
"""

import json
import sys
import time

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


def lists(drs):
    pages = list(drs.get_paginator("describe_source_servers").paginate(filters={}, maxResults=50))
    assert len(pages) > 1, "more than one page"
    servers = [server for page in pages for server in page["items"]]
    ids = {server["sourceServerID"] for server in servers}
    assert len(ids) == len(servers) == KEYS["servers"], (len(ids), len(servers))
    some = sorted(ids)[:3]
    named = drs.describe_source_servers(filters={"sourceServerIDs": some})["items"]
    assert sorted(server["sourceServerID"] for server in named) == some
    drs.get_launch_configuration(sourceServerID=some[0])
    return servers


def tags(drs, server):
    arn = server["arn"]
    drs.tag_resource(resourceArn=arn, tags={"PatchGroup": "tuesday", "Ü": "ä/=+"})
    found = drs.list_tags_for_resource(resourceArn=arn)["tags"]
    assert found["PatchGroup"] == "tuesday" and found["Ü"] == "ä/=+", found
    drs.untag_resource(resourceArn=arn, tagKeys=["PatchGroup", "never there"])
    assert "PatchGroup" not in drs.list_tags_for_resource(resourceArn=arn)["tags"]
    gone = arn.replace(server["sourceServerID"], "s-00000000000000000")
    refused(drs.exceptions.ResourceNotFoundException, drs.tag_resource, resourceArn=gone, tags={"a": "b"})


def jobs(drs, servers):
    healthy = [
        server["sourceServerID"]
        for server in servers
        if server["dataReplicationInfo"]["dataReplicationState"] == "CONTINUOUS"
    ]
    members = lambda ids: [{"sourceServerID": each} for each in ids]  # noqa: E731
    quota = refused(
        drs.exceptions.ServiceQuotaExceededException, drs.start_recovery, isDrill=True, sourceServers=members(healthy[:101])
    )
    assert (quota["serviceCode"], quota["quotaCode"]) == ("drs", "L-B827C881"), quota
    assert quota["ResponseMetadata"]["HTTPStatusCode"] == 402, quota
    job = drs.start_recovery(isDrill=True, sourceServers=members(healthy[:2]))["job"]
    refused(drs.exceptions.ConflictException, drs.start_recovery, isDrill=True, sourceServers=members(healthy[:1]))
    found = drs.describe_jobs(filters={"jobIDs": [job["jobID"]]})["items"]
    assert [each["jobID"] for each in found] == [job["jobID"]]
    done = finished(drs, job["jobID"])
    assert {each["launchStatus"] for each in done["participatingServers"]} == {"LAUNCHED"}, done
    assert drs.describe_job_log_items(jobID=job["jobID"])["items"]
    instances = drs.describe_recovery_instances(filters={"sourceServerIDs": healthy[:2]})["items"]
    assert {each["sourceServerID"] for each in instances} == set(healthy[:2]), instances
    ids = [each["recoveryInstanceID"] for each in instances]
    terminated = drs.terminate_recovery_instances(recoveryInstanceIDs=ids)["job"]
    assert finished(drs, terminated["jobID"])["type"] == "TERMINATE"
    assert not drs.describe_recovery_instances(filters={"sourceServerIDs": healthy[:2]})["items"]
    drs.delete_job(jobID=terminated["jobID"])
    refused(drs.exceptions.ValidationException, drs.describe_jobs, filters={}, nextToken="no token of ours")


def finished(drs, job):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = drs.describe_jobs(filters={"jobIDs": [job]})["items"][0]
        if found["status"] == "COMPLETED":
            return found
        time.sleep(0.05)
    raise AssertionError(f"{job} does not end")


def lives(drs, server):
    """A server's own calls, from its settings to its end."""
    who = {"sourceServerID": server["sourceServerID"]}
    drs.update_launch_configuration(**who, copyTags=True)
    drs.stop_replication(**who)
    drs.start_replication(**who)
    refused(drs.exceptions.ConflictException, drs.delete_source_server, **who)
    assert drs.disconnect_source_server(**who)["dataReplicationInfo"]["dataReplicationState"] == "DISCONNECTED"
    drs.delete_source_server(**who)
    assert not drs.describe_source_servers(filters={"sourceServerIDs": [who["sourceServerID"]]})["items"]
    drs.list_staging_accounts()


# Code, default, adjustable: AWS General Reference, quotas of Elastic Disaster Recovery.
QUOTAS = {
    "L-C1D14A2B": (300, False),
    "L-E28BE5E0": (4000, True),
    "L-D88FAC3A": (20, False),
    "L-05AFA8C6": (500, False),
    "L-B827C881": (100, False),
    "L-DD6D028C": (1, False),
    "L-0588D03B": (200, False),
    "L-1F3FAE4D": (1, False),
    "L-4B0323BD": (100, True),
}


def quotas():
    """Of an account with applied values: one of another value, one without; and of a Region without DRS."""
    of = client("service-quotas", "full")
    pages = list(of.get_paginator("list_aws_default_service_quotas").paginate(
        ServiceCode="drs", PaginationConfig={"PageSize": 4}
    ))
    assert len(pages) == 3, len(pages)
    listed = [quota for page in pages for quota in page["Quotas"]]
    found = {quota["QuotaCode"]: (quota["Value"], quota["Adjustable"]) for quota in listed}
    assert found == QUOTAS and len(listed) == len(QUOTAS), found
    applied = [
        quota
        for page in of.get_paginator("list_service_quotas").paginate(ServiceCode="drs", PaginationConfig={"PageSize": 5})
        for quota in page["Quotas"]
    ]
    assert {quota["QuotaCode"] for quota in applied} == set(QUOTAS) - {"L-4B0323BD"}, applied
    assert of.get_service_quota(ServiceCode="drs", QuotaCode="L-C1D14A2B")["Quota"]["Value"] == 1.0
    assert of.get_aws_default_service_quota(ServiceCode="drs", QuotaCode="L-4B0323BD")["Quota"]["Value"] == 100.0
    missing = of.exceptions.NoSuchResourceException
    refused(missing, of.get_service_quota, ServiceCode="drs", QuotaCode="L-4B0323BD")
    refused(missing, of.get_service_quota, ServiceCode="drs", QuotaCode="L-00000000")
    refused(missing, of.list_service_quotas, ServiceCode="no-such-service")
    wrong = of.exceptions.InvalidPaginationTokenException
    refused(wrong, of.list_service_quotas, ServiceCode="drs", NextToken="no token of ours")
    away = client("service-quotas", "owner", "us-west-2")
    assert len(away.list_service_quotas(ServiceCode="drs")["Quotas"]) == len(QUOTAS)


def over_quota():
    """A full account: what is refused says which quota."""
    drs = client("drs", "full")
    stopped = drs.describe_source_servers(filters={})["items"]
    idle = [s for s in stopped if s["dataReplicationInfo"]["dataReplicationState"] == "STOPPED"][0]["sourceServerID"]
    caught = refused(drs.exceptions.ClientError, drs.start_replication, sourceServerID=idle)
    # Not modelled for this operation, so that botocore keeps code and status only.
    assert caught["Error"]["Code"] == "ServiceQuotaExceededException", caught
    assert caught["ResponseMetadata"]["HTTPStatusCode"] == 402, caught


def extensions(staging):
    """Servers of a staging account, extended one by one into the account that it trusts."""
    drs = client("drs", "full")
    account = staging["arn"].split(":")[4]
    pages = list(drs.get_paginator("list_extensible_source_servers").paginate(
        stagingAccountID=account, PaginationConfig={"PageSize": 50}
    ))
    offered = [server for page in pages for server in page["items"]]
    assert len(pages) > 1 and staging["arn"] in {server["arn"] for server in offered}, len(offered)
    new = drs.create_extended_source_server(sourceServerArn=staging["arn"], tags={"Owner": "target"})["sourceServer"]
    assert new["dataReplicationInfo"]["dataReplicationState"] == "INITIATING" and "stagingArea" not in new, new
    read = drs.describe_source_servers(filters={"stagingAccountIDs": [account]})["items"]
    assert [server["sourceServerID"] for server in read] == [new["sourceServerID"]], read
    area = read[0]["stagingArea"]
    assert (area["status"], area["stagingSourceServerArn"]) == ("EXTENDED", staging["arn"]), area
    there = client("drs", "owner").describe_source_servers(filters={"sourceServerIDs": [staging["sourceServerID"]]})
    state = lambda server: server["dataReplicationInfo"]["dataReplicationState"]  # noqa: E731
    assert state(read[0]) == state(there["items"][0]), read
    assert read[0]["tags"] == {"Owner": "target"}, read
    assert drs.list_staging_accounts(maxResults=50)["accounts"] == [{"accountID": account}]
    again = drs.exceptions.ValidationException
    refused(again, drs.create_extended_source_server, sourceServerArn=staging["arn"])
    others = [server["arn"] for server in offered if server["arn"] != staging["arn"]]
    quota = refused(
        drs.exceptions.ServiceQuotaExceededException, drs.create_extended_source_server, sourceServerArn=others[0]
    )
    named = (quota["serviceCode"], quota["quotaCode"], quota["resourceType"])
    assert named == ("drs", "L-E28BE5E0", "SourceServer") and quota["resourceId"], quota
    assert quota["ResponseMetadata"]["HTTPStatusCode"] == 402, quota
    back = client("drs", "owner")
    refused(back.exceptions.AccessDeniedException, back.list_extensible_source_servers, stagingAccountID="222233334444")


def refusals():
    away = client("drs", "owner", "us-west-2")
    uninitialized = away.exceptions.UninitializedAccountException
    for call, arguments in [
        (away.describe_source_servers, {"filters": {}}),
        (away.describe_jobs, {"filters": {}}),
        (away.describe_recovery_instances, {"filters": {}}),
        (away.list_staging_accounts, {}),
        (away.start_recovery, {"sourceServers": [{"sourceServerID": "s-00000000000000000"}]}),
    ]:
        caught = refused(uninitialized, call, **arguments)
        assert caught["ResponseMetadata"]["HTTPStatusCode"] == 400, caught
    away.initialize_service()
    assert away.describe_source_servers(filters={})["items"] == []
    busy = client("drs", "busy")
    throttled = None
    for _ in range(50):
        try:
            busy.describe_source_servers(filters={})
        except busy.exceptions.ThrottlingException as caught:
            throttled = caught.response
            break
    assert throttled and throttled["ResponseMetadata"]["HTTPStatusCode"] == 429, throttled
    assert "retry-after" in throttled["ResponseMetadata"]["HTTPHeaders"], throttled


def tagged_machines():
    tagging = client("resourcegroupstaggingapi", "owner")
    pages = list(tagging.get_paginator("get_resources").paginate(
        ResourceTypeFilters=["ec2:instance"], PaginationConfig={"PageSize": 50}
    ))
    found = [entry for page in pages for entry in page["ResourceTagMappingList"]]
    assert len(pages) > 1 and all(":instance/i-" in entry["ResourceARN"] for entry in found), len(found)


def main():
    drs = client("drs", "owner")
    servers = lists(drs)
    tags(drs, servers[0])
    jobs(drs, servers)
    lives(drs, servers[-1])
    quotas()
    over_quota()
    extensions(servers[1])
    refusals()
    tagged_machines()
    assert len(SEEN) == 25, sorted(SEEN)
    if PROBLEMS:
        sys.exit("\n".join(sorted(set(PROBLEMS))[:40]))


main()
