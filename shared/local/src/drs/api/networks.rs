//! Source networks: creating and listing them.

use serde_json::{Value, json};

use super::Answer;
use super::tags::read_tags;
use crate::drs::network::Network;
use crate::drs::page::Page;
use crate::drs::quota::NETWORKS;
use crate::drs::refusal::conflict;
use crate::drs::request::Request;
use crate::drs::site::Site;

pub(super) fn create(site: &mut Site, request: &Request) -> Answer {
    let vpc = request.text("vpcID")?;
    let (account, region) = (request.text("originAccountID")?, request.text("originRegion")?);
    let tags = read_tags(request.body.get("tags"))?;
    if let Some(twice) = site.networks.values().find(|network| network.vpc == vpc) {
        return Err(conflict("SourceNetwork", &twice.id, &format!("{vpc} is protected already")));
    }
    let id = site.dice.id("sn");
    site.quotas.admit(&NETWORKS, site.networks.len() + 1, ("SourceNetwork", &id))?;
    let network = Network {
        arn: site.arn("source-network", &id),
        id: id.clone(),
        vpc: vpc.to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
        tags,
        last: None,
        deployed: false,
    };
    site.networks.insert(id.clone(), network);
    Ok((201, json!({ "sourceNetworkID": id })))
}

pub(super) fn describe(site: &Site, request: &Request) -> Answer {
    let page = Page::read(request, usize::MAX)?;
    let ids = request.list("/filters/sourceNetworkIDs", usize::MAX)?;
    let filter = |name: &str| request.body.pointer(name).and_then(Value::as_str);
    let (account, region) = (filter("/filters/originAccountID"), filter("/filters/originRegion"));
    let found = site.networks.values().filter(|network| {
        (ids.is_empty() || ids.contains(&network.id))
            && account.is_none_or(|account| network.account == account)
            && region.is_none_or(|region| network.region == region)
    });
    let keyed = found.map(|network| (network.id.clone(), network));
    Ok((200, page.of("items", keyed, Network::show)))
}
