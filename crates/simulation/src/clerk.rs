//! Clerks at counters and windows: they take an errand and see it through, message by message, and know which answers
//! each may have.

use std::time::Duration;

use zhijie_services::pb::{self, answer::Outcome};

use crate::{
    desk::{Desk, sends, taken},
    errands::{Errand, Kind},
};

/// An item of class A that every region lists: nursing.
const NURSING: &str = "001201000030000";

/// One errand under way.
pub(crate) struct Clerk<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) errand: &'a Errand,
    /// The day on which the work began; by now it may be another.
    pub(crate) day: String,
}

type Done = Result<(), String>;

/// The refusals that an answer may be.
fn refused_with(answer: &pb::Answer, codes: &[pb::RefusalCode]) -> bool {
    matches!(&answer.outcome, Some(Outcome::Refused(refused)) if codes.contains(&refused.code()))
}

impl Clerk<'_> {
    /// Sees the errand through.
    pub(crate) async fn see_through(&self) -> Done {
        let done = match self.errand.kind {
            Kind::AtOnce => self.first_at_once().await.map(drop),
            Kind::Twice => self.twice().await,
            Kind::Reused => self.reused().await,
            Kind::Cancelled => self.cancelled().await,
            Kind::Reversed => self.reversed().await,
            Kind::Lost => self.lost().await,
            Kind::Overtaken => self.overtaken().await,
            Kind::Abandoned => self.abandoned().await,
            Kind::Registered => self.registered(pb::Service::Outpatient).await,
            Kind::Stay | Kind::StayAgain => self.registered(pb::Service::Stay).await,
            Kind::Withdrawn => self.withdrawn().await,
            Kind::Filing => self.filing().await,
            Kind::Chronic => self.chronic().await,
        };
        done.map_err(|broken| {
            format!("{} {:?} of {}: {broken}", self.errand.name, self.errand.kind, self.errand.who.id)
        })
    }

    fn id(&self, part: &str) -> String {
        format!("{}{part}", self.errand.name)
    }

    fn header(&self, part: &str) -> pb::Header {
        let hospital = self.errand.hospital;
        pb::Header {
            message_id: self.id(part),
            care: hospital[1..7].into(),
            home: self.errand.who.id[..6].into(),
            institution: hospital.into(),
            ..pb::Header::default()
        }
    }

    fn key(&self, act: pb::Act, part: &str) -> pb::MessageKey {
        pb::MessageKey { institution: self.errand.hospital.into(), act: act.into(), message_id: self.id(part) }
    }

    fn line(serial: u32, yuan: i64) -> pb::FeeLine {
        let (serial, item) = (serial.to_string(), NURSING.into());
        pb::FeeLine { serial, item, price: yuan * 1_000_000, quantity: 10_000, ..pb::FeeLine::default() }
    }

    fn request(&self, part: &str, yuan: i64) -> pb::SettleAtOnceRequest {
        let (service, disease, line) = match &self.errand.chronic {
            None => (pb::Service::Outpatient, "", Self::line(1, yuan)),
            Some(visit) => (pb::Service::Chronic, visit.disease, visit.line(yuan)),
        };
        pb::SettleAtOnceRequest {
            header: Some(self.header(part)),
            person: self.errand.who.id.clone(),
            scheme: self.errand.who.scheme.into(),
            service: service.into(),
            disease: disease.into(),
            from: self.day.clone(),
            lines: vec![line],
            account_use: self.errand.account_use.into(),
            ..pb::SettleAtOnceRequest::default()
        }
    }

    pub(crate) async fn sent_at_once(&self, request: &pb::SettleAtOnceRequest) -> Result<pb::Answer, String> {
        let header = request.header.clone().unwrap_or_default();
        let (institution, message_id) = (header.institution, header.message_id);
        let key = pb::MessageKey { institution, act: pb::Act::Settle.into(), message_id };
        let (care, act) = (self.desk.care(&key.institution)?, format!("settle {}", key.message_id));
        self.desk.drive(&act, &key, sends!(care, settle_at_once, request)).await
    }

    /// The hospital's day, unless care's clock is behind and holds it for tomorrow: then the day before.
    pub(crate) async fn sent_first(&self) -> Result<(pb::SettleAtOnceRequest, pb::Answer), String> {
        let mut request = self.request("a", self.errand.yuan);
        request.from = self.desk.stage.sun.today().to_string();
        let mut answer = self.sent_at_once(&request).await?;
        if is_tomorrow(&answer) {
            request.from.clone_from(&self.day);
            answer = self.sent_at_once(&request).await?;
        }
        Ok((request, answer))
    }

    /// The same, where it must be settled.
    async fn first_at_once(&self) -> Result<(pb::SettleAtOnceRequest, pb::Settlement), String> {
        let (request, answer) = self.sent_first().await?;
        Ok((request, settled(answer)?))
    }

    /// Settles in one message; nothing else may come of it.
    async fn at_once(&self, request: &pb::SettleAtOnceRequest) -> Result<pb::Settlement, String> {
        settled(self.sent_at_once(request).await?)
    }

    async fn twice(&self) -> Done {
        let request = self.request("a", self.errand.yuan);
        let (one, other) = futures_util::future::join(self.at_once(&request), self.at_once(&request)).await;
        let again = self.at_once(&request).await?;
        let (one, other) = (one?, other?);
        if one.id == other.id && one.id == again.id {
            return Ok(());
        }
        Err(format!("one message sent three times made {}, {} and {}", one.id, other.id, again.id))
    }

    async fn reused(&self) -> Done {
        let (request, _) = self.first_at_once().await?;
        let other = pb::SettleAtOnceRequest { injury: true, ..request };
        let care = self.desk.care(self.errand.hospital)?;
        let told = crate::desk::told;
        let answer = self.desk.ask(&self.id("a other content"), told, sends!(care, settle_at_once, other)).await?;
        match refused_with(&answer, &[pb::RefusalCode::E602MessageReused]) {
            true => Ok(()),
            false => Err(format!("the id of a message was taken for other content: {:?}", answer.outcome)),
        }
    }

    async fn cancelled(&self) -> Done {
        let (_, settlement) = self.first_at_once().await?;
        if self.cancel("c", &settlement).await?.is_some() {
            let answer = self.sent_cancel("d", &settlement).await?;
            let codes = [pb::RefusalCode::E704AlreadyCancelled, pb::RefusalCode::E705AlreadyCleared];
            if !refused_with(&answer, &codes) {
                return Err(format!("a settlement was cancelled twice: {:?}", answer.outcome));
            }
        }
        Ok(())
    }

    async fn sent_cancel(&self, part: &str, settlement: &pb::Settlement) -> Result<pb::Answer, String> {
        let key = self.key(pb::Act::Cancel, part);
        let request = pb::CancelRequest {
            header: Some(self.header(part)),
            settlement: settlement.id.clone(),
            visit: settlement.claim.clone().unwrap_or_default().visit,
            person: self.errand.who.id.clone(),
        };
        let care = self.desk.care(self.errand.hospital)?;
        self.desk.drive(&format!("cancel {}", key.message_id), &key, sends!(care, cancel, request)).await
    }

    /// Cancels; refused where another settlement of the person came later, or a stay of the person is open again.
    async fn cancel(&self, part: &str, settlement: &pb::Settlement) -> Result<Option<pb::Settlement>, String> {
        let answer = self.sent_cancel(part, settlement).await?;
        let codes = [
            pb::RefusalCode::E701CancelRefused,
            pb::RefusalCode::E502OpenStay,
            pb::RefusalCode::E704AlreadyCancelled,
            pb::RefusalCode::E705AlreadyCleared,
        ];
        match answer.outcome {
            Some(Outcome::Settlement(record)) if record.undoes == settlement.id => Ok(Some(*record)),
            _ if refused_with(&answer, &codes) => Ok(None),
            other => Err(format!("a cancel was answered by {other:?}")),
        }
    }

    /// Cancels what was settled on an earlier day.
    pub(crate) async fn cancel_late(&self) -> Done {
        let key = self.key(pb::Act::Settle, "a");
        let settlement = settled(self.desk.find(&format!("find {}", key.message_id), &key).await?)?;
        self.cancel("late-cancel", &settlement).await.map(drop)
    }

    /// Reverses a message; what was reversed, unless the reversal is refused.
    pub(crate) async fn reverse(
        &self,
        part: &str,
        act: pb::Act,
        original: &str,
    ) -> Result<Option<pb::Reversal>, String> {
        let (key, original) = (self.key(pb::Act::Reverse, part), self.key(act, original));
        let request = pb::ReverseRequest {
            header: Some(self.header(part)),
            act: act.into(),
            original_message_id: original.message_id.clone(),
            person: self.errand.who.id.clone(),
        };
        let care = self.desk.care(self.errand.hospital)?;
        let answer =
            self.desk.drive(&format!("reverse {}", key.message_id), &key, sends!(care, reverse, request)).await?;
        let codes =
            [pb::RefusalCode::E701CancelRefused, pb::RefusalCode::E502OpenStay, pb::RefusalCode::E505VisitState];
        match answer.outcome {
            Some(Outcome::Reversal(reversal)) => {
                self.desk.model.borrow_mut().hear_reversal(&original, &reversal)?;
                Ok(Some(*reversal))
            }
            _ if refused_with(&answer, &codes) => Ok(None),
            other => Err(format!("a reversal was answered by {other:?}")),
        }
    }

    async fn reversed(&self) -> Done {
        let (request, _) = self.first_at_once().await?;
        self.then_reversed(&request).await
    }

    async fn lost(&self) -> Done {
        let request = self.request("a", self.errand.yuan);
        self.hang_up(&request).await?;
        self.then_reversed(&request).await
    }

    async fn overtaken(&self) -> Done {
        self.then_reversed(&self.request("a", self.errand.yuan)).await
    }

    /// Reversed, a message is refused from then on; not reversed, it has its answer.
    async fn then_reversed(&self, request: &pb::SettleAtOnceRequest) -> Done {
        let reversed = self.reverse("r", pb::Act::Settle, "a").await?.is_some();
        let late = self.sent_at_once(request).await?;
        match (reversed, &late.outcome) {
            (true, _) if refused_with(&late, &[pb::RefusalCode::E604AlreadyReversed]) => Ok(()),
            (true, other) => Err(format!("a message that was reversed was answered by {other:?}")),
            (false, Some(Outcome::Settlement(_))) => Ok(()),
            (false, other) => Err(format!("a message whose reversal was refused was answered by {other:?}")),
        }
    }

    async fn abandoned(&self) -> Done {
        self.desk.model.borrow_mut().sent(&self.key(pb::Act::Settle, "a"));
        self.hang_up(&self.request("a", self.errand.yuan)).await
    }

    /// Sends a message, and hangs up soon after.
    async fn hang_up(&self, request: &pb::SettleAtOnceRequest) -> Done {
        self.desk.model.borrow_mut().asks(&self.key(pb::Act::Settle, "a"));
        self.desk.stage.begin();
        let soon = Duration::from_millis(self.desk.dice.borrow_mut().between(1, 120));
        let mut care = self.desk.care(self.errand.hospital)?;
        let heard = tokio::time::timeout(soon, care.settle_at_once(request.clone())).await;
        let how = if heard.is_ok() { "heard after all" } else { "hung up" };
        self.desk.stage.say(format_args!("settle {}: {how}", self.id("a")));
        Ok(())
    }

    async fn register(&self, service: pb::Service) -> Result<Option<String>, String> {
        let key = self.key(pb::Act::Register, "v");
        let request = pb::RegisterVisitRequest {
            header: Some(self.header("v")),
            person: self.errand.who.id.clone(),
            scheme: self.errand.who.scheme.into(),
            service: service.into(),
            emergency: service == pb::Service::Stay,
            from: self.day.clone(),
        };
        let care = self.desk.care(self.errand.hospital)?;
        let act = format!("register {}", key.message_id);
        let answer = self.desk.drive(&act, &key, sends!(care, register_visit, request)).await?;
        match answer.outcome {
            Some(Outcome::Visit(visit)) => Ok(Some(visit.id)),
            _ if refused_with(&answer, &[pb::RefusalCode::E502OpenStay]) => Ok(None),
            other => Err(format!("a registration was answered by {other:?}")),
        }
    }

    async fn registered(&self, service: pb::Service) -> Done {
        let Some(visit) = self.register(service).await? else { return Ok(()) };
        let care = self.desk.care(self.errand.hospital)?;
        let half = self.errand.yuan / 2;
        let lines = vec![Self::line(1, half), Self::line(2, self.errand.yuan - half)];
        let upload = pb::UploadLinesRequest { visit: visit.clone(), lines };
        let told = |reply: &pb::UploadLinesReply| taken(reply.refused.as_ref());
        let reply = self.desk.ask(&self.id(" upload"), told, sends!(care, upload_lines, upload)).await?;
        if let Some(refused) = reply.refused {
            return Err(format!("lines were refused: {}", refused.en));
        }
        let ask = self.settle_request(&visit, "p");
        let act = self.id(" pre-settle");
        let answer = self.desk.ask(&act, crate::desk::told, sends!(care, pre_settle, ask)).await?;
        if !matches!(answer.outcome, Some(Outcome::Computation(_))) {
            return Err(format!("a pre-settle was answered by {:?}", answer.outcome));
        }
        if service == pb::Service::Stay {
            self.discharge(&visit).await?;
        }
        let settlement = self.settle(&visit, "a").await?;
        if self.errand.kind == Kind::StayAgain && self.cancel("c", &settlement).await?.is_some() {
            self.settle(&visit, "b").await?;
        }
        Ok(())
    }

    /// Today, unless care's clock is behind and holds it for tomorrow.
    async fn discharge(&self, visit: &str) -> Done {
        let care = self.desk.care(self.errand.hospital)?;
        let told = |reply: &pb::VisitReply| taken(reply.refused.as_ref());
        let mut refused = None;
        for to in [self.desk.stage.sun.today().to_string(), self.day.clone()] {
            let discharge = pb::DischargeRequest { visit: visit.into(), to };
            refused = self.desk.ask(&self.id(" discharge"), told, sends!(care, discharge, discharge)).await?.refused;
            if refused.as_ref().is_none_or(|refused| refused.code() != pb::RefusalCode::E001FieldInvalid) {
                break;
            }
        }
        refused.map_or(Ok(()), |refused| Err(format!("a discharge was refused: {}", refused.en)))
    }

    fn settle_request(&self, visit: &str, part: &str) -> pb::SettleRequest {
        pb::SettleRequest {
            header: Some(self.header(part)),
            visit: visit.into(),
            account_use: self.errand.account_use.into(),
            ..pb::SettleRequest::default()
        }
    }

    async fn settle(&self, visit: &str, part: &str) -> Result<pb::Settlement, String> {
        let key = self.key(pb::Act::Settle, part);
        let (care, request) = (self.desk.care(self.errand.hospital)?, self.settle_request(visit, part));
        settled(self.desk.drive(&format!("settle {}", key.message_id), &key, sends!(care, settle, request)).await?)
    }

    async fn withdrawn(&self) -> Done {
        let Some(visit) = self.register(pb::Service::Outpatient).await? else { return Ok(()) };
        match self.reverse("r", pb::Act::Register, "v").await? {
            Some(reversal) if reversal.visit.as_ref().is_some_and(|gone| gone.id == visit) => Ok(()),
            other => Err(format!("the reversal of a registration was answered by {other:?}")),
        }
    }

    async fn filing(&self) -> Done {
        let home = self.desk.home(&self.errand.who.id)?;
        let place = format!("{}0000", &self.errand.hospital[1..3]);
        let request = pb::FileRequest {
            person: self.errand.who.id.clone(),
            kind: pb::FilingKind::OtherTemporary.into(),
            place,
            // Clocks run apart, and a filing is never made for yesterday.
            from: self.desk.stage.sun.today().tomorrow().map(|day| day.to_string()).unwrap_or_default(),
            needs_review: true,
            message_id: self.id("f"),
        };
        let told = |reply: &pb::FilingReply| taken(reply.refused.as_ref());
        let reply = self.desk.ask(&self.id(" file"), told, sends!(home, file, request)).await?;
        let Some(filing) = reply.filing else { return Err(format!("a filing was refused: {:?}", reply.refused)) };
        for change in [pb::FilingChange::Approve, pb::FilingChange::Cancel] {
            let request = pb::ChangeFilingRequest {
                person: self.errand.who.id.clone(),
                filing: filing.id.clone(),
                change: change.into(),
                replacement: None,
            };
            let act = self.id(&format!(" {}", change.as_str_name().to_lowercase()));
            let reply = self.desk.ask(&act, told, sends!(home, change_filing, request)).await?;
            // Asked again after an answer that got lost, it is done already.
            let done = |refused: &pb::Refusal| refused.code() == pb::RefusalCode::E205FilingState;
            if reply.refused.as_ref().is_some_and(|refused| !done(refused)) {
                return Err(format!("a change of a filing was refused: {:?}", reply.refused));
            }
        }
        Ok(())
    }
}

/// The refusal of a day that care's clock has not come to.
fn is_tomorrow(answer: &pb::Answer) -> bool {
    let Some(Outcome::Refused(refused)) = &answer.outcome else { return false };
    refused.code() == pb::RefusalCode::E001FieldInvalid && refused.field == "from"
}

fn settled(answer: pb::Answer) -> Result<pb::Settlement, String> {
    match answer.outcome {
        Some(Outcome::Settlement(settlement)) => Ok(*settlement),
        other => Err(format!("a settle was answered by {other:?}")),
    }
}
