//! Whose store it is (归属): a service writes its role and province into its store when it first starts over it, and
//! starts over no other's. What reads stores without their services knows by it what each of them holds.

use std::{fmt, io};

use zhijie_domain::{ids::RegionCode, refusal::Refusal};
use zhijie_store::Store;

use super::{Committed, Failure, Records, Role, commit, document, keys, stored};
use crate::wire::{optional_id, pb};

/// A role, and the province that plays it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// What the service is.
    pub role: Role,
    /// Its province; the hub has none.
    pub region: Option<RegionCode>,
}

impl fmt::Display for Owner {
    /// `hub`, `home-340000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "{}-{region}", self.role.name()),
            None => f.write_str(self.role.name()),
        }
    }
}

impl Owner {
    /// Reads the record.
    ///
    /// # Errors
    /// `FieldInvalid` naming the field.
    pub(crate) fn parse(record: &pb::Owner) -> Result<Owner, Refusal> {
        let role = [Role::Care, Role::Hub, Role::Home].into_iter().find(|role| role.name() == record.role);
        let role = role.ok_or_else(|| Refusal::malformed("role", "应为已知角色", "care, hub or home"))?;
        let region = optional_id(RegionCode::parse, &record.region, "region")?;
        if region.is_some() == (role == Role::Hub) {
            return Err(Refusal::malformed("region", "国家平台以外须有省份", "a province, but for the hub"));
        }
        Ok(Owner { role, region })
    }
}

/// Makes a store the service's own, unless it is.
///
/// # Errors
/// When it is another's, or the store fails.
pub async fn claim(store: &Store, role: Role, region: Option<&RegionCode>) -> io::Result<()> {
    let own = Owner { role, region: region.cloned() };
    match owner(store).await.map_err(io::Error::other)? {
        Some(known) if known == own => return Ok(()),
        Some(known) => return Err(io::Error::other(format!("the store is of {known}, and this service is {own}"))),
        None => {}
    }
    let mut txn = store.begin();
    let region = own.region.as_ref().map(ToString::to_string).unwrap_or_default();
    txn.keep(keys::OWNER.to_vec(), &pb::Owner { role: role.name().into(), region });
    match commit(txn).await.map_err(io::Error::other)? {
        Committed::Yes => Ok(()),
        Committed::Conflict | Committed::Busy => Err(io::Error::other("the store takes no work yet")),
    }
}

/// Whose store it is; nothing where no service has started over it.
///
/// # Errors
/// [`Failure`] of the store, or a record that does not read.
pub async fn owner(store: &Store) -> Result<Option<Owner>, Failure> {
    let Some(record) = store.get(keys::OWNER).await? else { return Ok(None) };
    let known: pb::Owner = document(keys::OWNER, &record.value)?;
    stored(Owner::parse(&known), keys::OWNER).map(Some)
}

#[cfg(test)]
mod tests {
    use zhijie_store::Memory;

    use super::*;

    #[tokio::test]
    async fn a_store_is_of_who_claimed_it_first() {
        let store = Store::new(Memory::new());
        let anhui = RegionCode::parse("340000").unwrap();
        assert_eq!(owner(&store).await.unwrap(), None);
        claim(&store, Role::Home, Some(&anhui)).await.unwrap();
        claim(&store, Role::Home, Some(&anhui)).await.unwrap();
        for (role, region) in [(Role::Care, Some(&anhui)), (Role::Hub, None)] {
            let refused = claim(&store, role, region).await.unwrap_err().to_string();
            assert!(refused.contains("the store is of home-340000"), "{refused}");
        }
    }
}
