"""Jobs of the simulated DRS from their start to their deletion, as a person with a script sees them."""

import time

from boto3_model import refused


def healthy(servers):
    of = [s for s in servers if s["dataReplicationInfo"]["dataReplicationState"] == "CONTINUOUS"]
    return [server["sourceServerID"] for server in of]


def members(ids):
    return [{"sourceServerID": each} for each in ids]


def quotas_of_jobs(drs, servers):
    """More than a job may have, and more than one job for a server."""
    ids = healthy(servers)
    quota = refused(
        drs.exceptions.ServiceQuotaExceededException, drs.start_recovery, isDrill=True, sourceServers=members(ids[:101])
    )
    assert (quota["serviceCode"], quota["quotaCode"]) == ("drs", "L-B827C881"), quota
    assert quota["ResponseMetadata"]["HTTPStatusCode"] == 402, quota
    refused(drs.exceptions.ValidationException, drs.describe_jobs, filters={}, nextToken="no token of ours")


def drill(drs, servers):
    """A drill from its start to the deletion of its jobs, as a person with a script does it."""
    ids = healthy(servers)[:3]
    plan = {"drs-fleet:plan": "q1"}
    job = drs.start_recovery(isDrill=True, sourceServers=members(ids), tags=plan)["job"]
    assert (job["status"], job["type"], job["tags"]) == ("PENDING", "LAUNCH", plan) and "initiatedBy" not in job, job
    conflict = refused(
        drs.exceptions.ConflictException, drs.start_recovery, isDrill=True, sourceServers=members(ids[:1])
    )
    assert conflict["ResponseMetadata"]["HTTPStatusCode"] == 409, conflict
    done = finished(drs, job["jobID"])
    assert (done["initiatedBy"], done["tags"], done["participatingResources"]) == ("START_DRILL", plan, []), done
    launched = {each["sourceServerID"]: each["launchStatus"] for each in done["participatingServers"]}
    assert launched == dict.fromkeys(ids, "LAUNCHED"), done
    assert done["creationDateTime"] < done["endDateTime"], done
    phases(drs, job["jobID"], ids)
    launches = instances(drs, job["jobID"], ids)
    dated = {"fromDate": done["creationDateTime"], "toDate": done["creationDateTime"]}
    assert [each["jobID"] for each in drs.describe_jobs(filters=dated)["items"]] == [job["jobID"]]
    ended = drs.terminate_recovery_instances(recoveryInstanceIDs=launches)["job"]
    ended = finished(drs, ended["jobID"])
    assert (ended["type"], ended["initiatedBy"]) == ("TERMINATE", "TERMINATE_RECOVERY_INSTANCES"), ended
    assert {each["launchStatus"] for each in ended["participatingServers"]} == {"TERMINATED"}, ended
    assert not drs.describe_recovery_instances(filters={"sourceServerIDs": ids})["items"]
    pages = drs.get_paginator("describe_jobs").paginate(filters={}, maxResults=1)
    assert [page["items"][0]["jobID"] for page in pages] == [ended["jobID"], job["jobID"]]
    for each in (job, ended):
        drs.delete_job(jobID=each["jobID"])
    refused(drs.exceptions.ResourceNotFoundException, drs.delete_job, jobID=job["jobID"])
    assert not drs.describe_jobs(filters={"jobIDs": [job["jobID"], ended["jobID"]]})["items"]


def phases(drs, job, ids):
    """The log of a drill of replicating servers, page by page."""
    pages = list(drs.get_paginator("describe_job_log_items").paginate(jobID=job, PaginationConfig={"PageSize": 4}))
    log = [item for page in pages for item in page["items"]]
    assert len(pages) > 1 and (log[0]["event"], log[-1]["event"]) == ("JOB_START", "JOB_END"), log
    assert [item["logDateTime"] for item in log] == sorted(item["logDateTime"] for item in log), log
    for server in ids:
        of = [item["event"] for item in log if item["eventData"].get("sourceServerID") == server]
        assert of == ["SNAPSHOT_START", "SNAPSHOT_END", "CONVERSION_START", "CONVERSION_END", "LAUNCH_START"], of


def instances(drs, job, ids):
    """The recovery instances that a drill left, which run in the end."""
    deadline = time.monotonic() + 60
    while True:
        pages = drs.get_paginator("describe_recovery_instances").paginate(
            filters={"sourceServerIDs": ids}, PaginationConfig={"PageSize": 2}
        )
        found = [instance for page in pages for instance in page["items"]]
        states = {instance["ec2InstanceState"] for instance in found}
        assert states <= {"PENDING", "RUNNING"} and time.monotonic() < deadline, found
        if states == {"RUNNING"}:
            break
        time.sleep(0.05)
    assert {instance["sourceServerID"] for instance in found} == set(ids) and len(found) == len(ids), found
    assert {(instance["jobID"], instance["isDrill"]) for instance in found} == {(job, True)}, found
    states = {(i["failback"]["state"], i["dataReplicationInfo"]["dataReplicationState"]) for i in found}
    assert states == {("FAILBACK_NOT_STARTED", "NOT_STARTED")}, found
    return [instance["recoveryInstanceID"] for instance in found]


def networks(drs):
    """A source network, created and recovered: a job of a resource, and of no server."""
    origin = {"originAccountID": "222233334444", "originRegion": "eu-west-1"}
    network = drs.create_source_network(vpcID="vpc-0a1b2c3d4e5f60718", **origin)["sourceNetworkID"]
    started = drs.start_source_network_recovery(sourceNetworks=[{"sourceNetworkID": network}])["job"]
    done = finished(drs, started["jobID"])
    assert (done["initiatedBy"], done["participatingServers"]) == ("CREATE_NETWORK_RECOVERY", []), done
    resource = {"participatingResourceID": {"sourceNetworkID": network}, "launchStatus": "LAUNCHED"}
    assert done["participatingResources"] == [resource], done
    log = [item["event"] for item in drs.describe_job_log_items(jobID=done["jobID"])["items"]]
    assert "DEPLOY_NETWORK_CONFIGURATION_END" in log, log
    shown = drs.describe_source_networks(filters=origin)["items"]
    assert [each["lastRecovery"]["jobID"] for each in shown] == [done["jobID"]], shown


def finished(drs, job):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = drs.describe_jobs(filters={"jobIDs": [job]})["items"][0]
        if found["status"] == "COMPLETED":
            return found
        time.sleep(0.05)
    raise AssertionError(f"{job} does not end")
