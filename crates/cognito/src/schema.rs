//! The attributes that the users of a pool can have (`Schema`).

use serde_json::{Map, Value, json};

use crate::protocol::ApiError;

/// The prefix of custom attributes.
const CUSTOM: &str = "custom:";
/// The start of the message about values that the schema does not allow (aws-amplify/amplify-cli#1761).
const NOT_CONFORMING: &str = "Attributes did not conform to the schema: ";

/// The attributes that every pool has (developer guide, user pool attributes), in AWS's order.
const STANDARD: [(&str, AttributeRule); 20] = [
    ("sub", AttributeRule { mutable: false, required: true, least: Some(1), ..TEXT }),
    ("name", TEXT),
    ("given_name", TEXT),
    ("family_name", TEXT),
    ("middle_name", TEXT),
    ("nickname", TEXT),
    ("preferred_username", TEXT),
    ("profile", TEXT),
    ("picture", TEXT),
    ("website", TEXT),
    ("email", TEXT),
    ("email_verified", FLAG),
    ("gender", TEXT),
    ("birthdate", AttributeRule { least: Some(10), most: Some(10), ..TEXT }),
    ("zoneinfo", TEXT),
    ("locale", TEXT),
    ("phone_number", TEXT),
    ("phone_number_verified", FLAG),
    ("address", TEXT),
    ("updated_at", AttributeRule { data_type: DataType::Number, most: None, ..TEXT }),
];

const TEXT: AttributeRule = AttributeRule {
    data_type: DataType::String,
    mutable: true,
    required: false,
    least: Some(0),
    most: Some(2048),
};
const FLAG: AttributeRule = AttributeRule { data_type: DataType::Boolean, least: None, most: None, ..TEXT };

/// `AttributeDataType`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum DataType {
    String,
    Number,
    DateTime,
    Boolean,
}

impl DataType {
    const ALL: [(&'static str, Self); 4] = [
        ("String", Self::String),
        ("Number", Self::Number),
        ("DateTime", Self::DateTime),
        ("Boolean", Self::Boolean),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("String", |(name, _)| name)
    }

    /// Returns the member that limits values of this type, and the names of its limits.
    const fn limits(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::String => Some(("StringAttributeConstraints", "MinLength", "MaxLength")),
            Self::Number => Some(("NumberAttributeConstraints", "MinValue", "MaxValue")),
            Self::DateTime | Self::Boolean => None,
        }
    }
}

/// The constraints of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct AttributeRule {
    data_type: DataType,
    mutable: bool,
    required: bool,
    /// The least length of a text, or the least number.
    least: Option<i64>,
    /// The greatest length of a text, or the greatest number.
    most: Option<i64>,
}

/// The schema of a pool: the standard attributes, as far as the pool does not list them, and those that it
/// lists.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Schema {
    listed: Vec<(String, AttributeRule)>,
}

impl Schema {
    /// Reads `SchemaAttributes` of a description. Custom attributes have their prefix.
    ///
    /// # Errors
    ///
    /// AWS does not allow such an attribute.
    pub fn parse(attributes: &Value) -> Result<Self, ApiError> {
        let mut listed: Vec<(String, AttributeRule)> = Vec::new();
        for attribute in attributes.as_array().map(Vec::as_slice).unwrap_or_default() {
            let (name, rule) = read_attribute(attribute)?;
            if listed.iter().any(|(one, _)| *one == name) {
                return Err(ApiError::invalid_parameter(format!("Schema attribute {name} is given twice.")));
            }
            listed.push((name, rule));
        }
        Ok(Self { listed })
    }

    /// Converts `Schema` of a request to `SchemaAttributes` of a description: custom attributes get their
    /// prefix.
    pub fn to_description(attributes: Value) -> Value {
        let Value::Array(mut attributes) = attributes else { return attributes };
        for attribute in &mut attributes {
            let name = attribute.get("Name").and_then(Value::as_str).unwrap_or_default();
            if standard(name).is_none() {
                let name = format!("{CUSTOM}{name}");
                attribute["Name"] = name.into();
            }
        }
        Value::Array(attributes)
    }

    /// Returns `SchemaAttributes`: the standard attributes, then the custom ones.
    pub fn describe(&self) -> Value {
        let standard = STANDARD.iter().map(|(name, rule)| {
            let listed = self.listed.iter().find(|(one, _)| one == name);
            described(name, listed.map_or(rule, |(_, rule)| rule))
        });
        let custom = self.listed.iter().filter(|(name, _)| self::standard(name).is_none());
        standard.chain(custom.map(|(name, rule)| described(name, rule))).collect()
    }

    fn rule(&self, name: &str) -> Option<AttributeRule> {
        let listed = self.listed.iter().find(|(one, _)| one == name).map(|(_, rule)| *rule);
        listed.or_else(|| standard(name))
    }

    /// Checks the attributes of a request: the pool has them, and their values conform. An empty value
    /// deletes an attribute, so it is not checked.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` with a line for each attribute.
    pub fn check_values<'v>(
        &self,
        given: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Result<(), ApiError> {
        let reasons = given.into_iter().filter_map(|(name, value)| {
            let Some(rule) = self.rule(name) else {
                return Some((name, "Attribute does not exist in the schema.".to_owned()));
            };
            let reason = if value.is_empty() { None } else { rule.violation(value) };
            reason.map(|reason| (name, reason))
        });
        refuse(reasons)
    }

    /// Checks the attributes of a request that changes a user: they can change.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` (text observed, aws-amplify/amplify-js#3526).
    pub fn check_changes<'v>(&self, names: impl IntoIterator<Item = &'v str>) -> Result<(), ApiError> {
        let is_fixed = |name: &&str| self.rule(name).is_some_and(|rule| !rule.mutable);
        match names.into_iter().find(is_fixed) {
            None => Ok(()),
            Some(name) => Err(cannot_be_updated(name)),
        }
    }

    /// Returns the required attributes, without `sub`, that are not `present`.
    pub fn missing(&self, present: impl Fn(&str) -> bool) -> Vec<&str> {
        let required = self.listed.iter().filter(|(name, rule)| rule.required && name != "sub");
        required.map(|(name, _)| name.as_str()).filter(|name| !present(name)).collect()
    }

    /// Refuses a sign-up without required attributes, or the deletion of one.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` (text observed, furaiev/amazon-cognito-identity-dart-2#89).
    pub fn check_required(&self, present: impl Fn(&str) -> bool) -> Result<(), ApiError> {
        let missing = self.missing(present);
        refuse(missing.into_iter().map(|name| (name, "The attribute is required".to_owned())))
    }
}

/// Returns the error for an attribute that cannot be changed.
pub fn cannot_be_updated(name: &str) -> ApiError {
    ApiError::invalid_parameter(format!("user.{name}: Attribute cannot be updated."))
}

/// Returns the error that lists the reasons by attribute, if there are any.
fn refuse<'n>(reasons: impl Iterator<Item = (&'n str, String)>) -> Result<(), ApiError> {
    let lines: String = reasons.map(|(name, reason)| format!("{name}: {reason}\n")).collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid_parameter(format!("{NOT_CONFORMING}{lines}")))
}

fn standard(name: &str) -> Option<AttributeRule> {
    STANDARD.iter().find(|(one, _)| *one == name).map(|(_, rule)| *rule)
}

fn read_attribute(attribute: &Value) -> Result<(String, AttributeRule), ApiError> {
    let invalid = |message: String| Err(ApiError::invalid_parameter(message));
    let name = attribute.get("Name").and_then(Value::as_str).unwrap_or_default();
    let base = standard(name);
    // Earlier versions stored custom attributes without their prefix.
    let full_name =
        if base.is_some() || name.contains(':') { name.to_owned() } else { format!("{CUSTOM}{name}") };
    let given_type = attribute.get("AttributeDataType").and_then(Value::as_str);
    let given_type = given_type.and_then(|given| DataType::ALL.iter().find(|(word, _)| *word == given));
    let data_type = match (given_type, base) {
        (None, None) => {
            let message =
                "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.";
            return invalid(message.to_owned());
        }
        // The error of AWS (hashicorp/terraform-provider-aws#23181).
        (Some((_, given)), Some(base)) if *given != base.data_type => {
            let message = "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute";
            return invalid(format!("{message} {name}"));
        }
        (_, Some(base)) => base.data_type,
        (Some((_, given)), None) => *given,
    };
    let flag = |key: &str| attribute.get(key).and_then(Value::as_bool);
    let required = flag("Required").unwrap_or_else(|| base.is_some_and(|base| base.required));
    if required && base.is_none() {
        // The error of AWS (boto/boto3#2317).
        return invalid("Required custom attributes are not supported currently.".to_owned());
    }
    let mutable = flag("Mutable").unwrap_or_else(|| base.is_none_or(|base| base.mutable));
    let (mut least, mut most) = (None, None);
    if let Some((member, least_key, most_key)) = data_type.limits()
        && let Some(limits) = attribute.get(member).filter(|limits| !limits.is_null())
    {
        let limit = |key: &str| limits.get(key).map(|limit| read_limit(name, limit)).transpose();
        (least, most) = (limit(least_key)?, limit(most_key)?);
    } else if let Some(base) = base {
        (least, most) = (base.least, base.most);
    }
    Ok((full_name, AttributeRule { data_type, mutable, required, least, most }))
}

fn read_limit(name: &str, limit: &Value) -> Result<i64, ApiError> {
    let limit = limit.as_str().and_then(|limit| limit.parse().ok());
    limit.ok_or_else(|| {
        ApiError::invalid_parameter(format!(
            "Invalid constraints of schema attribute {name}: a number expected."
        ))
    })
}

fn described(name: &str, rule: &AttributeRule) -> Value {
    let mut attribute = json!({
        "Name": name,
        "AttributeDataType": rule.data_type.name(),
        "DeveloperOnlyAttribute": false,
        "Mutable": rule.mutable,
        "Required": rule.required,
    });
    if let Some((member, least_key, most_key)) = rule.data_type.limits() {
        let limits = [(least_key, rule.least), (most_key, rule.most)];
        let limits =
            limits.into_iter().filter_map(|(key, limit)| Some((key.to_owned(), limit?.to_string().into())));
        attribute[member] = Value::Object(limits.collect::<Map<_, _>>());
    }
    attribute
}

impl AttributeRule {
    /// Returns why this value does not conform. The texts are this project's; AWS's are not known.
    fn violation(&self, value: &str) -> Option<String> {
        let (what, measure) = match self.data_type {
            DataType::DateTime => return None,
            DataType::Boolean if ["true", "false"].iter().any(|flag| value.eq_ignore_ascii_case(flag)) => {
                return None;
            }
            DataType::Boolean => return Some("The value must be true or false.".to_owned()),
            DataType::Number => match value.parse::<i64>() {
                Ok(number) => ("value", number),
                Err(_) => return Some("The value must be a whole number.".to_owned()),
            },
            DataType::String => ("length", i64::try_from(value.chars().count()).unwrap_or(i64::MAX)),
        };
        if let Some(least) = self.least.filter(|least| measure < *least) {
            return Some(format!("The {what} must be at least {least}."));
        }
        let most = self.most.filter(|most| measure > *most)?;
        Some(format!("The {what} must be at most {most}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(attributes: &Value) -> Schema {
        Schema::parse(&Schema::to_description(attributes.clone())).unwrap()
    }

    fn refusal(result: Result<(), ApiError>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn values_conform_to_types_and_limits() {
        let schema = schema(&json!([
            { "Name": "tier", "AttributeDataType": "Number", "NumberAttributeConstraints": { "MinValue": "1", "MaxValue": "5" } },
            { "Name": "plan", "AttributeDataType": "String", "StringAttributeConstraints": { "MaxLength": "3" } },
            { "Name": "beta", "AttributeDataType": "Boolean", "Mutable": false },
            { "Name": "email", "AttributeDataType": "String", "Required": true },
        ]));
        let good = [
            ("custom:tier", "5"),
            ("custom:plan", "äöü"),
            ("custom:beta", "true"),
            ("birthdate", "2000-01-01"),
        ];
        assert_eq!(schema.check_values(good), Ok(()));
        for (name, value, reason) in [
            ("custom:tier", "6", "The value must be at most 5."),
            ("custom:tier", "0", "The value must be at least 1."),
            ("custom:tier", "abc", "The value must be a whole number."),
            ("custom:plan", "free", "The length must be at most 3."),
            ("custom:beta", "1", "The value must be true or false."),
            ("birthdate", "2000", "The length must be at least 10."),
            ("custom:nope", "", "Attribute does not exist in the schema."),
            ("plan", "x", "Attribute does not exist in the schema."),
        ] {
            assert_eq!(
                refusal(schema.check_values([(name, value)])),
                format!("Attributes did not conform to the schema: {name}: {reason}\n")
            );
        }
        assert_eq!(
            refusal(schema.check_changes(["email", "custom:beta"])),
            "user.custom:beta: Attribute cannot be updated."
        );
        assert_eq!(schema.missing(|_| false), ["email"]);
        let described = schema.describe();
        let names: Vec<_> =
            described.as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap()).collect();
        assert_eq!((names.len(), names[0], names[20], names[22]), (23, "sub", "custom:tier", "custom:beta"));
        assert_eq!(Schema::parse(&described).unwrap().describe(), described);
    }

    #[test]
    fn schemas_that_aws_refuses_are_refused() {
        for (attribute, message) in [
            (
                json!({ "Name": "a", "AttributeDataType": "String", "Required": true }),
                "Required custom attributes are not supported currently.",
            ),
            (
                json!({ "Name": "a" }),
                "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
            ),
            (
                json!({ "Name": "name", "AttributeDataType": "Number" }),
                "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute name",
            ),
            (
                json!({ "Name": "a", "AttributeDataType": "String", "StringAttributeConstraints": { "MinLength": "x" } }),
                "Invalid constraints of schema attribute a: a number expected.",
            ),
        ] {
            assert_eq!(Schema::parse(&json!([attribute])).unwrap_err().message, message);
        }
        let twice = json!({ "Name": "a", "AttributeDataType": "String" });
        assert!(Schema::parse(&json!([twice, twice])).is_err());
    }
}
