//! Gathering evidence from the hub's store.

use std::collections::BTreeSet;

use zhijie_domain::{
    author::{Author, Side},
    ids::SettlementId,
    proof::{Facts, Statement, record, request, tree},
    settlement::{Kind, Settlement},
    signature::Signature,
};
use zhijie_store::Store;

use super::{Day, Evidence, FORMAT, Fact, Key, Signed, hex};
use crate::node::{Book, Failure, Pages, damaged, fact, heads, keyring::Keyring, keys};

/// The evidence of a settlement, or of the settlement that a negative record undoes; nothing where the store has none of
/// that id.
///
/// # Errors
/// [`Failure`] of the store.
pub async fn gather(store: &Store, id: &SettlementId) -> Result<Option<Evidence>, Failure> {
    let mut gathering = Gathering { store, keyring: Keyring::load(store).await?, keys: BTreeSet::new() };
    let Some(mut booked) = Book::load(&mut store.begin(), id).await? else { return Ok(None) };
    if booked.settlement.kind != Kind::Settled {
        let undoes = booked.settlement.undoes.clone().ok_or_else(|| damaged(keys::BOOK))?;
        booked = Book::load(&mut store.begin(), &undoes).await?.ok_or_else(|| damaged(keys::BOOK))?;
    }
    let settlement = gathering.fact(&booked.settlement).await?;
    let undone_by = match SettlementId::parse(&booked.record.undone_by) {
        Ok(undone_by) => {
            let record = Book::load(&mut store.begin(), &undone_by).await?.ok_or_else(|| damaged(keys::BOOK))?;
            Some(gathering.fact(&record.settlement).await?)
        }
        Err(_) => None,
    };
    let keys = gathering.keys.into_iter().collect();
    Ok(Some(Evidence { format: FORMAT.into(), settlement, undone_by, keys }))
}

struct Gathering<'a> {
    store: &'a Store,
    keyring: Keyring,
    keys: BTreeSet<Key>,
}

impl Gathering<'_> {
    async fn fact(&mut self, settlement: &Settlement) -> Result<Fact, Failure> {
        let (stated, asked) = (record(settlement), request(settlement));
        let home = settlement.proof.home.map(|home| self.signed(&Author::of(Side::Home, settlement), &stated, &home));
        let care = settlement.proof.care.map(|care| self.signed(&Author::of(Side::Care, settlement), &asked, &care));
        let mut days = Vec::new();
        for side in Side::BOTH {
            days.extend(self.day(&Author::of(side, settlement), settlement).await?);
        }
        Ok(Fact { record: lines(&stated), home, request: lines(&asked), care, days })
    }

    fn signed(&mut self, author: &Author, statement: &Statement, signature: &Signature) -> Signed {
        let by = self.keyring.signer_of(author, statement, signature);
        let key = by.map(|key| key.public.to_string()).unwrap_or_default();
        self.keys.extend(by.map(|by| Key {
            of: author.to_string(),
            key: key.clone(),
            certificate: hex(&by.certificate),
        }));
        Signed { signature: signature.to_string(), key }
    }

    /// The head of the record's day, where it says what this book holds.
    async fn day(&mut self, author: &Author, settlement: &Settlement) -> Result<Option<Day>, Failure> {
        let (day, mut leaves, mut place) = (settlement.day(), Vec::new(), None);
        let Some(signed) = heads::of_day(&mut self.store.begin(), author, day).await? else { return Ok(None) };
        let mut pages = Pages::of(self.store, keys::book_of(day));
        while let Some(page) = pages.next().await? {
            for (key, kept) in &page {
                let (entry, proof) = fact(key, &kept.value)?;
                if entry.id == settlement.id {
                    place = Some(leaves.len());
                }
                if entry.is_of(author) {
                    leaves.push(Facts::leaf(&entry, &proof));
                }
            }
        }
        let path = place.and_then(|place| tree::path(&leaves, place));
        let Some(path) = path.filter(|_| Facts::of(&tree::Tree::over(&leaves)) == signed.head.facts) else {
            return Ok(None);
        };
        let statement = signed.head.statement();
        Ok(Some(Day {
            head: lines(&statement),
            signed: self.signed(author, &statement, &signed.signature),
            path: path.iter().map(ToString::to_string).collect(),
        }))
    }
}

fn lines(statement: &Statement) -> Vec<String> {
    statement.lines().map(str::to_owned).collect()
}
