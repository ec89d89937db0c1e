"""Serves ministack on a free loopback port until standard input closes.

Prints one line `READY {...}` with the port and the keys of an administrator, once there is a role to assume.
"""

import json
import os
import socket
import sys
import threading
import time
import traceback
import urllib.request

ACCOUNT, REGION, ROLE, EXTERNAL_ID = sys.argv[1:5]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORT = free_port()
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(AUTH="true", BIND_HOST="127.0.0.1", GATEWAY_PORT=str(PORT), LOG_LEVEL="ERROR")

# Before any thread: both import the same modules, and one that is only half imported elsewhere is an error.
import botocore.session  # noqa: E402
from ministack.app import main  # noqa: E402


def end_with_the_test():
    sys.stdin.read()
    os._exit(0)


def wait_until_healthy():
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/_ministack/health", timeout=2).read()
            return
        except OSError:
            time.sleep(0.05)


def set_up_or_end():
    # Who waits for the line would wait for ever if only this thread ended.
    try:
        set_up()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def set_up():
    wait_until_healthy()
    iam = botocore.session.Session().create_client(
        "iam",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{PORT}",
        # Twelve digits are the root of that account.
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="test",
    )
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
            }
        ],
    }
    iam.create_user(UserName="admin")
    iam.put_user_policy(UserName="admin", PolicyName="all", PolicyDocument=json.dumps(everything))
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=ROLE, PolicyName="all", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName="admin")["AccessKey"]
    ready = {"port": PORT, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    print("READY " + json.dumps(ready), flush=True)


threading.Thread(target=end_with_the_test, daemon=True).start()
threading.Thread(target=set_up_or_end, daemon=True).start()
sys.argv = ["ministack"]
main()
