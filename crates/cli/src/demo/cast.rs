//! Who and what the story is about: people, places, institutions, items. All people are made up.

#![allow(clippy::inconsistent_digit_grouping, reason = "80_00 is 80.00: yuan and fen")]

use zhijie_services::{domain::ids::RegionCode, pb};

/// The four provinces of the story.
pub(super) const SHANGHAI: &str = "310000";
pub(super) const ANHUI: &str = "340000";
pub(super) const CHONGQING: &str = "500000";
pub(super) const SICHUAN: &str = "510000";

pub(super) fn provinces() -> Vec<RegionCode> {
    [SHANGHAI, ANHUI, CHONGQING, SICHUAN].iter().filter_map(|code| RegionCode::parse(code).ok()).collect()
}

/// Institutions, by the codes of the network list.
pub(super) const SHANGHAI_HOSPITAL: &str = "H31010000001";
pub(super) const SHANGHAI_CLINIC: &str = "H31010000004";
pub(super) const CHONGQING_HOSPITAL: &str = "H50010000001";
pub(super) const CHONGQING_PHARMACY: &str = "P50010000001";
pub(super) const CHENGDU_HOSPITAL: &str = "H51010000001";

/// A person of the story.
#[derive(Clone)]
pub(super) struct Player {
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
    pub(super) person: pb::Person,
    pub(super) purse: pb::Purse,
}

impl Player {
    pub(super) fn id(&self) -> String {
        self.person.id.clone()
    }

    /// The home province.
    pub(super) fn province(&self) -> String {
        format!("{}0000", &self.person.area[..2])
    }
}

/// Everybody; `stamp` makes their numbers differ from run to run in a cluster that lasts.
pub(super) struct Cast {
    /// A resident of Fuyang who needs surgery in Shanghai.
    pub(super) li: Player,
    /// An employee of Chengdu who travels to Chongqing.
    pub(super) zhang: Player,
    /// A retired employee of Hefei who lives with his children in Shanghai and has hypertension.
    pub(super) wang: Player,
    /// An employee of Shanghai who falls ill on a journey to Chengdu.
    pub(super) zhou: Player,
}

impl Cast {
    pub(super) fn new(stamp: &str) -> Cast {
        let player = |zh, en, number: u32, area: &str, scheme: pb::Scheme, category: pb::Category, birth: &str| {
            let person = pb::Person {
                id: format!("{area}{stamp}{number:02}"),
                area: area.into(),
                scheme: scheme.into(),
                category: category.into(),
                birth: birth.into(),
                insured_from: "2010-01-01".into(),
                ..pb::Person::default()
            };
            Player { zh, en, person, purse: pb::Purse::default() }
        };
        use pb::{Category, Scheme};
        let li = player("李桂芳", "Li Guifang", 1, "341200", Scheme::Resident, Category::Adult, "1963-05-17");
        let mut zhang = player("张伟", "Zhang Wei", 2, "510100", Scheme::Employee, Category::Active, "1988-11-02");
        zhang.purse = pb::Purse { account: 30_000, family: 12_000 };
        let mut wang = player("王建国", "Wang Jianguo", 3, "340100", Scheme::Employee, Category::Retired, "1956-01-23");
        wang.purse = pb::Purse { account: 80_000, family: 0 };
        let recognised =
            |disease: &str| pb::Qualification { disease: disease.into(), from: "2020-06-01".into(), to: String::new() };
        wang.person.qualifications.extend(["M03900", "M05300"].map(recognised));
        let zhou = player("周敏", "Zhou Min", 4, "310000", Scheme::Employee, Category::Active, "1991-07-30");
        Cast { li, zhang, wang, zhou }
    }

    pub(super) fn everybody(&self) -> [&Player; 4] {
        [&self.li, &self.zhang, &self.wang, &self.zhou]
    }
}

/// Fee lines from rows of item, price and quantity, both in hundredths.
pub(super) fn lines(rows: &[(&str, i64, i64)]) -> Vec<pb::FeeLine> {
    let line = |(index, (item, price, quantity)): (usize, &(&str, i64, i64))| pb::FeeLine {
        serial: (index + 1).to_string(),
        item: (*item).into(),
        price: price * 10_000,
        quantity: quantity * 100,
        ..pb::FeeLine::default()
    };
    rows.iter().enumerate().map(line).collect()
}

/// Twelve days of surgery in Shanghai: 92,000.00 yuan.
pub(super) const SURGERY: &[(&str, i64, i64)] = &[
    ("001109000120000", 80_00, 12_00),           // 双人间床位费 bed; limit 45 a day
    ("XB01ABG095B003030474637", 32_00, 100_00),  // 肝素钠 heparin, A
    ("XN06BXD188B002010157275", 120_00, 80_00),  // 丁苯酞 butylphthalide, B 10 %
    ("XB01ADT071B001030173355", 3_000_00, 6_00), // rhTNK-tPA, negotiated, B 20 %
    ("002102000020000", 900_00, 5_00),           // 磁共振增强扫描 MRI with contrast, B 10 %
    ("003206000080000", 6_000_00, 2_00),         // 颈动脉支架置入术 carotid stenting, A
    ("C0203110590400021147", 16_000_00, 2_00),   // 颈动脉支架 carotid stent, B 20 %, limit 14,000
    ("XN07XXD170B003020386970", 65_00, 100_00),  // 神经节苷脂 GM1, C
    ("002503070210000", 30_00, 158_00),          // 肾功能 renal function, A
    ("002501010150000", 20_00, 1_00),            // 血细胞分析 blood count, A
    ("001201000030000", 40_00, 12_00),           // Ⅰ级护理 nursing, A
];

/// A check of the heart: 560.00 yuan, of it A 300, B 200 at 10 %, C 60.
pub(super) const CHECK_UP: &[(&str, i64, i64)] = &[
    ("003107010030000", 180_00, 1_00), // 动态心电图 Holter, A
    ("003107010200000", 120_00, 1_00), // 动态血压监测 ambulatory blood pressure, A
    ("002103000010000", 200_00, 1_00), // CT平扫 CT, B 10 %
    ("001104000010000", 4_00, 15_00),  // 救护车费 ambulance, C
];

/// What hypertension needs for two months.
pub(super) const HYPERTENSION: &[(&str, i64, i64)] = &[
    ("XC09CAX176E002030283348", 14, 180_00), // 缬沙坦 valsartan, A
    ("XC08CAX249A003020312400", 75, 120_00), // 硝苯地平控释 nifedipine, B
    ("001102000010000", 15_00, 1_00),        // 门诊诊察费 consultation, A
];

/// What chronic obstructive lungs need for a month.
pub(super) const LUNGS: &[(&str, i64, i64)] = &[
    ("XR03BBS271E002030442536", 2_40, 30_00), // 噻托溴铵 tiotropium, B
    ("XR03ACS350B003010351185", 18_00, 1_00), // 沙丁胺醇 salbutamol, A
];

/// An appendix that cannot wait.
pub(super) const APPENDIX: &[(&str, i64, i64)] = &[
    ("001102000030000", 20_00, 1_00),          // 急诊诊察费 emergency consultation, A
    ("003310030220000", 1_100_00, 1_00),       // 阑尾切除术 appendicectomy, A
    ("001109000120000", 80_00, 3_00),          // 双人间床位费 bed
    ("002203010010000", 110_00, 1_00),         // 彩超 ultrasound, A
    ("002501010150000", 20_00, 3_00),          // 血细胞分析 blood count, A
    ("XB01ABG095B003030474637", 32_00, 10_00), // 肝素钠 heparin, A
];

/// What one buys at a pharmacy.
pub(super) const MEDICINE: &[(&str, i64, i64)] = &[
    ("XJ01CAA332E001020414998", 8, 240_00),   // 阿莫西林 amoxicillin, A
    ("XA11GAW075A003030461168", 1_90, 10_00), // 维生素C泡腾片 vitamin C, C
];
