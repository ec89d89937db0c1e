//! Types of machines, which EC2 alone tells.

use super::*;

const TYPE: &str = "source:instance-type";

#[tokio::test(flavor = "multi_thread")]
async fn source_servers_are_tagged_with_the_type_that_ec2_has_also_where_no_event_told_of_the_machine() {
    let hub = Hub::start(Plan::default()).await;
    let (id, instance) = protected(&hub, 0).await;
    let known = hub.world().ec2.instances(hub.site(0))[&instance].instance_type.clone();
    hub.sweep_tags(0).await;
    becomes(&hub, (0, &id), TYPE, Some(&known)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_ask_ec2_costs_only_the_tag_of_the_type() {
    let hub = Hub::start(Plan::default()).await;
    let role_arn = hub.fleet.estate.spokes[0].role_arn.clone();
    let role = hub.world().iam.role(&role_arn).unwrap();
    let without = |policy: &serde_json::Value| {
        let lesser = policy.to_string().replace("ec2:DescribeInstances", "ec2:DescribeVolumes");
        serde_json::from_str(&lesser).unwrap()
    };
    let lesser: Vec<serde_json::Value> = role.policies.iter().map(without).collect();
    assert_ne!(lesser, role.policies, "the role as it is shipped may ask");
    hub.world().iam.put_role(&role_arn, &role.trust, &lesser).unwrap();
    let id = replicate(&hub, (0, 0), MACHINE, Tags::new()).await;
    set(&hub, 0, MACHINE, &[("Owner", Some("ada"))]);
    let tags = becomes(&hub, (0, &id), "Owner", Some("ada")).await;
    assert_eq!((tags["source:instance-id"].as_str(), tags.get(TYPE)), (MACHINE, None));

    hub.world().iam.put_role(&role_arn, &role.trust, &role.policies).unwrap();
    hub.sweep_tags(0).await;
    becomes(&hub, (0, &id), TYPE, Some("r6i.2xlarge")).await;
}
