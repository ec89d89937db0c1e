"""Counts the source servers of accounts and Regions with boto3, and prints them as JSON.

Usage: boto3_counts.py ENDPOINT < [{"account": …, "region": …, "id": …, "secret": …}, …]
"""

import collections
import json
import sys

import boto3

# Servers in these states take no slot of the quota of replicating servers, nor do extended ones.
IDLE = {"STOPPED", "DISCONNECTED"}


def count(endpoint, place):
    drs = boto3.client(
        "drs",
        endpoint_url=endpoint,
        region_name=place["region"],
        aws_access_key_id=place["id"],
        aws_secret_access_key=place["secret"],
    )
    states, replicating, extended = collections.Counter(), 0, 0
    for page in drs.get_paginator("describe_source_servers").paginate(filters={}, PaginationConfig={"PageSize": 7}):
        for server in page["items"]:
            state = server["dataReplicationInfo"]["dataReplicationState"]
            elsewhere = server.get("stagingArea", {}).get("status", "NOT_EXTENDED") != "NOT_EXTENDED"
            states[state] += 1
            extended += elsewhere
            replicating += not elsewhere and state not in IDLE
    return {"states": states, "replicating": replicating, "extended": extended, "servers": sum(states.values())}


places = json.load(sys.stdin)
print(json.dumps([count(sys.argv[1], place) for place in places]))
