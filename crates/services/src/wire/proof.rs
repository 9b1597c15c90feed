//! What regions sign: signatures of records, keys, heads of days.

use zhijie_domain::{
    author::{Author, Side},
    calendar::Moment,
    ids::{MessageId, RegionCode},
    proof::{Facts, Head},
    refusal::Refusal,
    signature::{Digest, Proof, PublicKey, Signature},
};

use super::{date, id, optional_id, pb, required, text};

/// Reads a signature that may be absent.
///
/// # Errors
/// `FieldInvalid` naming the field, for bytes that are no signature.
pub fn parse_signature(bytes: &[u8], field: &str) -> Result<Option<Signature>, Refusal> {
    match <[u8; 64]>::try_from(bytes) {
        Ok(bytes) => Ok(Some(Signature(bytes))),
        Err(_) if bytes.is_empty() => Ok(None),
        Err(_) => Err(Refusal::malformed(field, "应为64字节或空", "64 bytes, or empty")),
    }
}

/// A signature that may be absent, as bytes.
#[must_use]
pub fn print_signature(signature: Option<Signature>) -> Vec<u8> {
    signature.map(|signature| signature.0.to_vec()).unwrap_or_default()
}

/// Reads what was signed of a record.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse(proof: Option<&pb::Proof>) -> Result<Proof, Refusal> {
    let Some(proof) = proof else { return Ok(Proof::default()) };
    Ok(Proof {
        message: optional_id(MessageId::parse, &proof.message, "settlement.proof.message")?,
        care: parse_signature(&proof.care, "settlement.proof.care")?,
        home: parse_signature(&proof.home, "settlement.proof.home")?,
    })
}

/// What was signed of a record, where anything was.
#[must_use]
pub fn print(proof: &Proof) -> Option<pb::Proof> {
    let signed = proof.care.is_some() || proof.home.is_some();
    signed.then(|| pb::Proof {
        message: text(proof.message.as_ref()),
        care: print_signature(proof.care),
        home: print_signature(proof.home),
    })
}

/// Reads a digest.
///
/// # Errors
/// `FieldInvalid` naming the field.
fn parse_digest(bytes: &[u8], field: &str) -> Result<Digest, Refusal> {
    bytes.try_into().map(Digest).map_err(|_| Refusal::malformed(field, "应为32字节", "32 bytes"))
}

fn parse_author(role: &str, region: &str) -> Result<Author, Refusal> {
    let side = Side::BOTH.into_iter().find(|known| known.name() == role);
    let side = side.ok_or_else(|| Refusal::malformed("role", "应为 home 或 care", "home or care"))?;
    Ok(Author { side, region: id(RegionCode::parse, region, "region")? })
}

/// A key with which a region signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Whose it is.
    pub author: Author,
    /// By what signatures are verified.
    pub public: PublicKey,
    /// Since when the region signs with it.
    pub since: Moment,
    /// The certificate that binds it to the region, DER; empty: none does.
    pub certificate: Vec<u8>,
}

/// Reads a key.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_key(key: &pb::SigningKey) -> Result<SigningKey, Refusal> {
    let Digest(public) = parse_digest(&key.public, "public")?;
    let (public, since, certificate) = (PublicKey(public), Moment(key.since), key.certificate.clone());
    Ok(SigningKey { author: parse_author(&key.role, &key.region)?, public, since, certificate })
}

/// The key as a document.
#[must_use]
pub fn print_key(key: &SigningKey) -> pb::SigningKey {
    let SigningKey { author, public, since, certificate } = key;
    let (role, region) = (author.side.name().into(), author.region.to_string());
    pb::SigningKey { role, region, public: public.0.to_vec(), since: since.0, certificate: certificate.clone() }
}

/// Reads a head and its signature.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_head(head: &pb::DayHead) -> Result<(Head, Signature), Refusal> {
    let signature = parse_signature(&head.signature, "signature")?;
    let previous = if head.previous.is_empty() { None } else { Some(parse_digest(&head.previous, "previous")?) };
    let parsed = Head {
        author: parse_author(&head.role, &head.region)?,
        number: head.number,
        previous,
        day: date(&head.day, "day")?,
        earlier: head.earlier,
        facts: Facts { records: head.records, root: parse_digest(&head.facts, "facts")? },
    };
    Ok((parsed, required(signature, "signature")?))
}

/// The head and its signature as a document.
#[must_use]
pub fn print_head(head: &Head, signature: &Signature) -> pb::DayHead {
    pb::DayHead {
        role: head.author.side.name().into(),
        region: head.author.region.to_string(),
        number: head.number,
        previous: head.previous.map(|Digest(bytes)| bytes.to_vec()).unwrap_or_default(),
        day: head.day.to_string(),
        earlier: head.earlier,
        records: head.facts.records,
        facts: head.facts.root.0.to_vec(),
        signature: signature.0.to_vec(),
    }
}
