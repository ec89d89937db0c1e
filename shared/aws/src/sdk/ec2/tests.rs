use super::*;
use crate::io::Io;
use crate::sdk::wire::{Call, Reply, fleet, place};
use crate::verdict::Verdict;

const LARGE: &str = "i-0a1b2c3d4e5f60718";
const GONE: &str = "i-0ffffffffffffffff";

fn ids() -> [InstanceId; 2] {
    [LARGE, GONE].map(|id| id.parse().unwrap())
}

/// As the EC2 API reference shows it, most members left out.
fn page(instances: &[(&str, &str)], next: &str) -> Reply {
    let reservation = |(id, name): &(&str, &str)| {
        format!(
            "<item><reservationId>r-1</reservationId><groupSet/><instancesSet><item><instanceId>{id}</instanceId>\
             <instanceState><code>16</code><name>running</name></instanceState><instanceType>{name}</instanceType>\
             <tagSet><item><key>instanceType</key><value>a &amp; b</value></item></tagSet></item></instancesSet></item>"
        )
    };
    let all: String = instances.iter().map(reservation).collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>8f7</requestId>\
         <reservationSet>{all}</reservationSet>{next}</DescribeInstancesResponse>"
    );
    (200, body)
}

fn refused(status: u16, code: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
         <Message>not now</Message></Error></Errors><RequestID>ea966190</RequestID></Response>"
    );
    (status, body)
}

/// Only EC2 is odd.
fn of_ec2(
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (crate::sdk::SdkIo, crate::sdk::wire::Wire) {
    fleet(move |call| (call.operation == OPERATION).then(|| answer(call)))
}

#[tokio::test]
async fn types_are_asked_for_by_a_signed_form_in_the_region_of_the_instances() {
    let (io, wire) = of_ec2(|_| page(&[(LARGE, "m6i.large")], ""));
    let types = io.instance_types(&place(), &ids()).await.unwrap();
    assert_eq!(types, [(LARGE.parse().unwrap(), "m6i.large".to_owned())].into());
    let call = wire.calls(OPERATION).remove(0);
    assert_eq!(call.host, "ec2.us-west-2.amazonaws.com");
    assert_eq!(
        call.body,
        format!(
            "Action=DescribeInstances&Version=2016-11-15&MaxResults=1000&Filter.1.Name=instance-id\
             &Filter.1.Value.1={LARGE}&Filter.1.Value.2={GONE}"
        )
    );
    let signed = "Credential=ASIA/";
    assert!(call.authorization.contains(signed), "by the spoke's role: {}", call.authorization);
    assert!(call.authorization.contains("/us-west-2/ec2/aws4_request"), "{}", call.authorization);
    assert_eq!(wire.calls("AssumeRole").len(), 1);
}

#[tokio::test]
async fn the_role_is_assumed_once_for_ec2_and_drs() {
    let (io, wire) = of_ec2(|_| page(&[], ""));
    io.tagged_instances(&place(), None).await.unwrap();
    io.instance_types(&place(), &ids()).await.unwrap();
    assert_eq!(wire.calls("AssumeRole").len(), 1);
}

#[tokio::test]
async fn all_pages_are_read() {
    let (io, wire) = of_ec2(|call| {
        if call.body.contains("&NextToken=a%2Bb%3D%3D") {
            page(&[(GONE, "t3.micro")], "")
        } else {
            page(&[(LARGE, "m6i.large")], "<nextToken>a+b==</nextToken>")
        }
    });
    let types = io.instance_types(&place(), &ids()).await.unwrap();
    assert_eq!((types.len(), wire.calls(OPERATION).len()), (2, 2));
}

#[tokio::test]
async fn refusals_are_judged_as_those_of_other_services_and_asked_once() {
    for (status, code, verdict) in [
        (403, "UnauthorizedOperation", Verdict::Denied),
        (401, "AuthFailure", Verdict::Denied),
        (503, "RequestLimitExceeded", Verdict::Throttled),
        (500, "InternalError", Verdict::Transient),
        (400, "InvalidParameterValue", Verdict::Permanent),
    ] {
        let (io, wire) = of_ec2(move |_| refused(status, code));
        let error = io.instance_types(&place(), &ids()).await.unwrap_err();
        assert_eq!((error.verdict, error.message), (verdict, format!("{code}: not now")), "{code}");
        assert_eq!((error.neighbour, error.operation), (Neighbour::Spoke, OPERATION));
        assert_eq!(wire.calls(OPERATION).len(), 1, "{code}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_passes() {
    for (status, body) in
        [(200, "<html/>"), (200, "not xml"), (200, ""), (502, "<html>bad gateway"), (503, "")]
    {
        let (io, _) = of_ec2(move |_| (status, body.to_owned()));
        let error = io.instance_types(&place(), &ids()).await.unwrap_err();
        assert_eq!(error.verdict, Verdict::Transient, "{status} {body}: {error}");
    }
}

#[test]
fn china_and_europe_have_domains_of_their_own() {
    let endpoints = ["us-gov-west-1", "cn-north-1", "eusc-de-east-1"].map(endpoint);
    let expected = [
        "https://ec2.us-gov-west-1.amazonaws.com",
        "https://ec2.cn-north-1.amazonaws.com.cn",
        "https://ec2.eusc-de-east-1.amazonaws.eu",
    ];
    assert_eq!(endpoints, expected);
}
