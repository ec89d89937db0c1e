//! Tags: of DRS resources, of EC2 instances, and whether the first reach what is launched.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_drs::Client;
use aws_sdk_resourcegroupstagging::types::{ResourceTagMapping, Tag};
use drs_fleet_domain::arn::{Arn, Resource};
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::{LaunchConfigurationSeen, Page, TaggedInstance};

use super::Answer;
use super::drs::{DateHeader, code, id};
use crate::verdict::{Neighbour, classify};

/// The most that AWS allows.
const PAGE: i32 = 100;

pub(super) async fn tag(client: &Client, arn: &str, tags: &BTreeMap<String, String>) -> Answer<()> {
    let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let request = client.tag_resource().resource_arn(arn).set_tags(Some(tags));
    request.send().await.map_err(|e| classify(Neighbour::Spoke, "TagResource", &e))?;
    Ok(())
}

pub(super) async fn untag(client: &Client, arn: &str, keys: &BTreeSet<String>) -> Answer<()> {
    let request =
        client.untag_resource().resource_arn(arn).set_tag_keys(Some(keys.iter().cloned().collect()));
    request.send().await.map_err(|e| classify(Neighbour::Spoke, "UntagResource", &e))?;
    Ok(())
}

/// A token lives for a quarter of an hour.
pub(super) async fn instances(
    client: &aws_sdk_resourcegroupstagging::Client,
    place: &Place,
    page: Option<String>,
) -> Answer<Option<Page<TaggedInstance>>> {
    const OPERATION: &str = "GetResources";
    let date = DateHeader::default();
    let request = client
        .get_resources()
        .resource_type_filters("ec2:instance")
        .resources_per_page(PAGE)
        .set_pagination_token(page);
    match request.customize().interceptor(date.clone()).send().await {
        Ok(answer) => Ok(Some(Page {
            items: answer
                .resource_tag_mapping_list
                .into_iter()
                .flatten()
                .filter_map(|mapping| tagged(place, mapping))
                .collect(),
            next: answer.pagination_token.filter(|token| !token.is_empty()),
            date: date.time(OPERATION)?,
            initialized: true,
        })),
        Err(error) if code(&error) == Some("PaginationTokenExpiredException") => Ok(None),
        Err(error) => Err(classify(Neighbour::Spoke, OPERATION, &error)),
    }
}

fn tagged(place: &Place, mapping: ResourceTagMapping) -> Option<TaggedInstance> {
    let arn: Arn = id(place, &mapping.resource_arn?)?;
    let Resource::Instance(instance) = arn.resource else { return None };
    let pair = |tag: Tag| (tag.key, tag.value);
    Some(TaggedInstance { instance, tags: mapping.tags.into_iter().flatten().map(pair).collect() })
}

pub(super) async fn launch_configuration(
    client: &Client,
    server: &SourceServerId,
) -> Answer<LaunchConfigurationSeen> {
    let request = client.get_launch_configuration().source_server_id(server.as_str());
    let answer =
        request.send().await.map_err(|e| classify(Neighbour::Spoke, "GetLaunchConfiguration", &e))?;
    let into = answer.launch_into_instance_properties.and_then(|into| into.launch_into_ec2_instance_id);
    Ok(LaunchConfigurationSeen {
        copy_tags: answer.copy_tags.unwrap_or_default(),
        launches_into_instance: into.is_some_and(|id| !id.is_empty()),
    })
}

pub(super) async fn copy_tags(client: &Client, server: &SourceServerId) -> Answer<()> {
    let request = client.update_launch_configuration().source_server_id(server.as_str()).copy_tags(true);
    request.send().await.map_err(|e| classify(Neighbour::Spoke, "UpdateLaunchConfiguration", &e))?;
    Ok(())
}
