"""Calls the simulated DRS, Service Quotas and the tagging API with boto3, and holds every answer to botocore's own model.

Usage: boto3_drs.py ENDPOINT, with the keys of the accounts as JSON on standard input. Ends with status 1 and
a list of problems when an answer has members that the model does not know, lacks required ones, or has them
in another type.
"""

import sys

from boto3_jobs import drill, finished, members, networks, quotas_of_jobs
from boto3_model import KEYS, PROBLEMS, SEEN, client, refused


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
    recovered = finished(drs, drs.start_recovery(sourceServers=members([new["sourceServerID"]]))["job"]["jobID"])
    assert recovered["initiatedBy"] == "START_RECOVERY", recovered
    back = client("drs", "owner")
    wanted = [job for job in back.describe_jobs(filters={})["items"] if job["type"] == "CREATE_CONVERTED_SNAPSHOT"]
    assert [job["initiatedBy"] for job in wanted] == ["TARGET_ACCOUNT"], wanted
    assert wanted[0]["participatingServers"][0]["sourceServerID"] == staging["sourceServerID"], wanted
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
    quotas_of_jobs(drs, servers)
    drill(drs, servers)
    networks(drs)
    lives(drs, servers[-1])
    quotas()
    over_quota()
    extensions(servers[1])
    refusals()
    tagged_machines()
    assert len(SEEN) == 28, sorted(SEEN)
    if PROBLEMS:
        sys.exit("\n".join(sorted(set(PROBLEMS))[:40]))


main()
