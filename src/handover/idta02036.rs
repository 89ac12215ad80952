//! IDTA 02036 "Product Change Notifications for industrial product types and items in manufacturing", as JSON of an environment with one submodel, one record a part.
//!
//! Structure, semantic ids and value ids are those of the published template, version 1.1 (admin-shell-io/submodel-templates). Elements that the template demands and no
//! notice says (the maker's address, the reason and the category by VDMA 24903, the product family, a date of issue that is not known) are there without a value.
//! The last day to order is the milestone EOS, the last shipment LTD.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{HandoverError, Told};
use crate::domain::{
    case::{Case, CasePart, NamedReplacement},
    event::Digest,
};

/// What the template's own names begin with.
const PCN: &str = "http://admin-shell.io/VDMA/Fluidics/ProductChangeNotification";
/// What stands for English: most notices are in it, and the metamodel demands a language of every text.
const LANGUAGE: &str = "en";

pub(super) fn environment(told: &Told<'_>) -> Result<Vec<u8>, HandoverError> {
    let records = told.case.parts.iter().map(|part| record(told, part)).collect();
    let submodel = json!({
        "modelType": "Submodel",
        "kind": "Instance",
        "id": id(told),
        "idShort": "ProductChangeNotifications",
        "administration": { "templateId": "https://admin-shell.io/idta_02036" },
        "semanticId": reference("0173-1#01-AHE582#003"),
        "submodelElements": [list("Records", "0173-1#02-ABI294#003", "0173-1#02-ABI294#003/0173-1#01-AHE583#003", true, records)],
    });
    let text = serde_json::to_vec_pretty(&json!({ "submodels": [submodel] }));
    text.map_err(|error| HandoverError(format!("the submodel cannot be written: {error}")))
}

/// The same for the same case, and another for every other: a UUID of version 8 (RFC 9562) of what tells the case from those of any installation.
fn id(told: &Told<'_>) -> String {
    let Case { id, opened_at, .. } = told.case;
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Digest::of(format!("{}\n{}\n{id}\n{}", told.maker, told.number, opened_at.0).as_bytes()).0[..16]);
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = hex::encode(bytes);
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn record(told: &Told<'_>, part: &CasePart) -> Value {
    let case = told.case;
    let maker = vec![
        texts("ManufacturerName", "0173-1#02-AAO677#004", Some(told.maker)),
        collection("PhysicalAddress", "https://admin-shell.io/zvei/nameplate/1/0/ContactInformations/ContactInformation", Vec::new()),
    ];
    let kind = match told.kind {
        "PDN" => "0173-1#07-ABU001#003",
        _ => "0173-1#07-ABU000#003",
    };
    let mut elements = vec![
        collection("Manufacturer", "0173-1#02-ABI295#003/0173-1#01-AHE584#003", maker),
        property("ManufacturerChangeID", "0173-1#02-ABG772#002", "xs:string", Some(told.number)),
        with_id(property("PcnType", &format!("{PCN}/PcnType/1/0"), "xs:string", Some(told.kind)), kind),
    ];
    let [buy, ship] = told.days(part.last_time_buy.or(case.last_time_buy), part.last_time_ship.or(case.last_time_ship));
    let milestones: Vec<Value> = [("EOS", "0173-1#07-ABU002#003", buy), ("LTD", "0173-1#07-ABU004#003", ship)]
        .into_iter()
        .filter_map(|(name, value_id, day)| Some(milestone(name, value_id, day?)))
        .collect();
    if !milestones.is_empty() {
        let of = format!("{PCN}/LifeCycleData/Milestone/1/0");
        elements.push(list("LifeCycleData", &format!("{PCN}/LifeCycleData/List/1/0"), &of, false, milestones));
    }
    let reason = "0173-1#02-ABI296#002/0173-1#01-AHE585#002";
    let reasons = vec![classified(reason, ["ReasonClassificationSystem", "0173-1#02-ABF813#002"], ["ReasonId", "0173-1#02-ABG774#002"])];
    elements.push(list("ReasonsOfChange", "0173-1#02-ABI296#002", reason, false, reasons));
    let category = format!("{PCN}/ItemCategory/1/0");
    let (system, value) = (format!("{PCN}/ItemCategory/ItemClassificationSystem/1/0"), format!("{PCN}/ItemCategory/ItemCategory/1/0"));
    let categories = vec![classified(&category, ["ItemClassificationSystem", &system], ["ItemCategory", &value])];
    elements.push(list("ItemCategories", &format!("{PCN}/ItemCategory/List/1/0"), &category, false, categories));
    elements.push(collection(
        "PcnChangeInformation",
        &format!("{PCN}/PcnChangeInformation/1/0"),
        vec![
            texts("ChangeTitle", &format!("{PCN}/PcnChangeInformation/ChangeTitle/1/0"), Some(&case.title())),
            texts("ChangeDetail", &format!("{PCN}/PcnChangeInformation/ChangeDetail/1/0"), Some(&told.detail())),
        ],
    ));
    elements.push(property("DateOfRecord", "0173-1#02-ABF816#003", "xs:dateTime", case.issue_date.map(moment).as_deref()));
    elements.push(collection("ItemOfChange", "0173-1#02-ABI297#003/0173-1#01-AHE586#003", product(&part.mpn)));
    if let NamedReplacement::Named(names) = &part.replacement
        && !names.is_empty()
    {
        let of = format!("{PCN}/RecommendedItem/1/0");
        let items = names.iter().map(|name| unnamed(&of, product(name))).collect();
        elements.push(list("RecommendedItems", &format!("{PCN}/RecommendedItem/List/1/0"), &of, false, items));
    }
    unnamed("0173-1#02-ABI294#003/0173-1#01-AHE583#003", elements)
}

/// What names a product; its family is not said.
fn product(mpn: &str) -> Vec<Value> {
    vec![
        texts("ManufacturerProductFamily", "0173-1#02-AAU731#003", None),
        texts("ManufacturerProductDesignation", "0173-1#02-AAW338#002", Some(mpn)),
        texts("OrderCodeOfManufacturer", "0173-1#02-AAO227#004", Some(mpn)),
    ]
}

fn milestone(name: &str, value_id: &str, day: Date) -> Value {
    let class = with_id(property("MilestoneClassification", "0173-1#02-ABG773#002", "xs:string", Some(name)), value_id);
    let valid = property("DateOfValidity", "0173-1#02-ABF815#002", "xs:dateTime", Some(&moment(day)));
    unnamed(&format!("{PCN}/LifeCycleData/Milestone/1/0"), vec![class, valid])
}

/// A class by VDMA 24903 that the notice does not name: the system, and no value.
fn classified(semantic_id: &str, [system, system_id]: [&str; 2], [value, value_id]: [&str; 2]) -> Value {
    unnamed(
        semantic_id,
        vec![
            property(system, system_id, "xs:string", Some("VDMA24903")),
            property("VersionOfClassificationSystem", "0173-1#02-AAR710#002", "xs:string", Some("2017")),
            property(value, value_id, "xs:string", None),
        ],
    )
}

/// The beginning of a day in UTC, which is what the template asks for.
fn moment(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

fn reference(value: &str) -> Value {
    json!({ "type": "ExternalReference", "keys": [{ "type": "GlobalReference", "value": value }] })
}

fn with_id(mut property: Value, value_id: &str) -> Value {
    property["valueId"] = reference(value_id);
    property
}

fn property(name: &str, semantic_id: &str, of: &str, value: Option<&str>) -> Value {
    let mut property = json!({ "modelType": "Property", "idShort": name, "semanticId": reference(semantic_id), "valueType": of });
    if let Some(value) = value {
        property["value"] = json!(legible(value));
    }
    property
}

fn texts(name: &str, semantic_id: &str, value: Option<&str>) -> Value {
    let mut texts = json!({ "modelType": "MultiLanguageProperty", "idShort": name, "semanticId": reference(semantic_id) });
    if let Some(value) = value {
        texts["value"] = json!([{ "language": LANGUAGE, "text": legible(value) }]);
    }
    texts
}

fn collection(name: &str, semantic_id: &str, elements: Vec<Value>) -> Value {
    let mut collection = unnamed(semantic_id, elements);
    collection["idShort"] = json!(name);
    collection
}

/// A collection in a list, which the metamodel forbids to have a name (AASd-120). No list of the metamodel may be empty.
fn unnamed(semantic_id: &str, elements: Vec<Value>) -> Value {
    let mut collection = json!({ "modelType": "SubmodelElementCollection", "semanticId": reference(semantic_id) });
    if !elements.is_empty() {
        collection["value"] = Value::Array(elements);
    }
    collection
}

fn list(name: &str, semantic_id: &str, of: &str, ordered: bool, elements: Vec<Value>) -> Value {
    json!({
        "modelType": "SubmodelElementList", "idShort": name, "semanticId": reference(semantic_id), "orderRelevant": ordered,
        "semanticIdListElement": reference(of), "typeValueListElement": "SubmodelElementCollection", "value": elements,
    })
}

/// Without the characters that the metamodel's strings, which are those of XML, cannot hold.
fn legible(text: &str) -> String {
    text.chars().filter(|c| super::is_xml(*c)).collect()
}
