//! Those who speak to a cluster from outside: hospitals and officers, in plaintext or each with an identity.

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use tonic::transport::Channel;
use zhijie_domain::ids::RegionCode;
use zhijie_identity::{Identity, Live};
use zhijie_protocol::v1::{
    agency_client::AgencyClient, books_client::BooksClient, care_client::CareClient, home_client::HomeClient,
    hub_client::HubClient, national_client::NationalClient, registry_client::RegistryClient,
};

use super::{HUB, Loopback, care_of, home_of};
use crate::node::{Net, Role, Tls, channel, limits};

/// Clients of hospitals and officers, for a cluster anywhere.
#[derive(Clone)]
pub struct Clients {
    way: Way,
    /// The hub's operators.
    pub hub: HubClient<Channel>,
    /// The hub's operators, of the registry.
    pub registry: RegistryClient<Channel>,
    /// The hub's operators, for the three books.
    pub books: BooksClient<Channel>,
    /// Hospitals that nobody asks who they are, by care province; see [`Clients::hospital`].
    pub care: BTreeMap<RegionCode, CareClient<Channel>>,
    /// Home agencies' windows, by province.
    pub home: BTreeMap<RegionCode, HomeClient<Channel>>,
    /// Officers of the national agency.
    pub national: NationalClient<Channel>,
    /// Officers of provinces, by the name of the service whose office they use.
    pub agencies: BTreeMap<String, AgencyClient<Channel>>,
}

impl Clients {
    /// Clients of the services that a network names as [`HUB`], [`care_of`] and [`home_of`] its regions: in plaintext, or
    /// with the identities in a folder.
    ///
    /// # Errors
    /// When a name makes no address, or an identity does not read.
    pub fn over(net: &Loopback, regions: &[RegionCode], identities: Option<PathBuf>) -> io::Result<Clients> {
        let way = Way { net: Arc::new(net.clone()), identities };
        let nation = way.channel(&Identity::National, HUB, Identity::Hub)?;
        let hub = HubClient::new(nation.clone()).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
        let registry = RegistryClient::new(nation.clone()).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
        let books = BooksClient::new(nation.clone()).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
        let national = NationalClient::new(nation).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
        let (mut care, mut home, mut agencies) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for code in regions {
            let office = Identity::Office(code.to_string());
            for (name, role) in [(care_of(code), Role::Care), (home_of(code), Role::Home)] {
                let channel = way.channel(&office, &name, role.of(code))?;
                let agency = AgencyClient::new(channel.clone());
                agencies.insert(name, agency.max_decoding_message_size(limits::DOCUMENT_BYTES_MAX));
                if role == Role::Home {
                    home.insert(code.clone(), HomeClient::new(channel));
                } else if way.identities.is_none() {
                    let client = CareClient::new(channel);
                    care.insert(code.clone(), client.max_decoding_message_size(limits::DOCUMENT_BYTES_MAX));
                }
            }
        }
        Ok(Clients { way, hub, registry, books, care, home, national, agencies })
    }

    /// The client of a hospital or a pharmacy.
    ///
    /// # Errors
    /// When its province has no care service, or its identity does not read.
    pub fn hospital(&self, institution: &str) -> io::Result<CareClient<Channel>> {
        let province = institution.get(1..7).and_then(|area| RegionCode::parse(area).ok()).map(|area| area.province());
        let province = province.ok_or_else(|| io::Error::other(format!("{institution} is no institution")))?;
        if self.way.identities.is_none() {
            let care = self.care.get(&province).cloned();
            return care.ok_or_else(|| io::Error::other(format!("{province} has no care service here")));
        }
        let own = Identity::Institution(province.to_string(), institution.to_owned());
        let channel = self.way.channel(&own, &care_of(&province), Role::Care.of(&province))?;
        Ok(CareClient::new(channel).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX))
    }
}

/// How services are reached.
#[derive(Clone)]
struct Way {
    net: Arc<dyn Net>,
    identities: Option<PathBuf>,
}

impl Way {
    /// A channel to a service by its name, as somebody.
    fn channel(&self, own: &Identity, name: &str, service: Identity) -> io::Result<Channel> {
        let Some(folder) = &self.identities else {
            return channel(&self.net, &format!("http://{name}")).map_err(io::Error::other);
        };
        let own = Live::open(&folder.join(own.folder())).map_err(io::Error::other)?;
        let net: Arc<dyn Net> = Arc::new(Tls::new(Arc::clone(&self.net), own, service));
        channel(&net, &format!("https://{name}")).map_err(io::Error::other)
    }
}
