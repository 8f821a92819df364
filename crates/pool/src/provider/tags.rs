//! Tags of pools.

use std::collections::BTreeMap;

use super::Provider;
use poolproof_cognito::ids::PoolId;
use poolproof_cognito::protocol::{ApiError, ManagementResponse, TagResource, TagsCall, UntagResource};

/// Most tags of a pool: AWS's quota.
const MAX_TAGS: usize = 50;

/// Checks the tags of a pool.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let valid = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    if tags.len() > MAX_TAGS || !tags.iter().all(valid) {
        return Err(ApiError::invalid_parameter(format!(
            "Invalid tags: a resource has at most {MAX_TAGS}, with keys of 1 to 128 and values of at most 256 characters."
        )));
    }
    Ok(())
}

impl Provider {
    /// Returns the pool of this ARN.
    fn tagged_pool(&self, arn: &str) -> Result<PoolId, ApiError> {
        let id = PoolId::in_arn(arn);
        let id = id.ok_or_else(|| ApiError::invalid_parameter("Invalid ARN: it names no user pool."))?;
        self.hosted(id)?;
        Ok(PoolId::new(id))
    }

    pub(super) fn tag(&mut self, request: TagResource) -> Result<ManagementResponse, ApiError> {
        let id = self.tagged_pool(&request.resource_arn)?;
        let hosted = self.hosted_mut(id.as_str())?;
        let mut tags = hosted.tags.clone();
        tags.extend(request.tags);
        check(&tags)?;
        hosted.tags = tags;
        self.mark_pool_changed(&id);
        Ok(ManagementResponse::Empty)
    }

    pub(super) fn untag(&mut self, request: &UntagResource) -> Result<ManagementResponse, ApiError> {
        let id = self.tagged_pool(&request.resource_arn)?;
        self.hosted_mut(id.as_str())?.tags.retain(|key, _| !request.tag_keys.contains(key));
        self.mark_pool_changed(&id);
        Ok(ManagementResponse::Empty)
    }

    pub(super) fn list_tags(&self, request: &TagsCall) -> Result<ManagementResponse, ApiError> {
        let id = self.tagged_pool(&request.resource_arn)?;
        Ok(ManagementResponse::Tags(self.hosted(id.as_str())?.tags.clone()))
    }
}
