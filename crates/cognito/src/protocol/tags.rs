//! Operations on the tags of pools.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `TagResource`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagResource {
    /// `ResourceArn` of a pool.
    pub resource_arn: String,
    /// `Tags`; a value replaces the earlier one of its key.
    pub tags: BTreeMap<String, String>,
}

/// `UntagResource`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UntagResource {
    /// `ResourceArn` of a pool.
    pub resource_arn: String,
    /// `TagKeys`.
    pub tag_keys: Vec<String>,
}

/// `ListTagsForResource`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagsCall {
    /// `ResourceArn` of a pool.
    pub resource_arn: String,
}
