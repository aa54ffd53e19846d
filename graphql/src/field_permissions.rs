//! Which permission each field of the schema's roots asks for.

use sealrock_access::Permission;

/// Root fields that everybody may ask for: who one is, what one may do, what one's own account needs.
/// What they show of an organisation is what the caller may see of it.
pub const FOR_EVERYBODY: &[&str] = &[
    "changePassword",
    "node",
    "organisations",
    "permissions",
    "projections",
    "signIn",
    "viewer",
];

/// The permission that a mutation asks for, where it changes something; `None` for a field that is
/// none of them. A test asks every mutation as every role and compares.
#[must_use]
pub fn permission_of_mutation(field: &str) -> Option<Permission> {
    use Permission as P;
    Some(match field {
        "registerOrganisation" => P::RegisterOrganisation,
        "registerSite" => P::RegisterSite,
        "registerAsset" => P::RegisterAsset,
        "registerDevice" | "bindDevice" | "decommissionDevice" => P::RegisterDevice,
        "rotateDeviceCredential"
        | "revokeDeviceCredential"
        | "rotateDeviceKey"
        | "revokeDeviceKey"
        | "addDeviceCertificate"
        | "revokeDeviceCertificate" => P::ManageDeviceCredentials,
        "registerCaptureUnit" | "setCaptureUnitStatus" => P::RegisterCaptureUnit,
        "recordCapture" | "correctCapture" => P::RecordCapture,
        "approveCaptureDay" => P::ApproveCapture,
        "setEmissionTarget" | "withdrawEmissionTarget" => P::SetEmissionTarget,
        "requestIssuance" => P::RequestIssuance,
        "approveIssuance" | "refuseIssuance" => P::DecideIssuance,
        "recordStorageLoss" => P::RecordStorageLoss,
        "registerWell" | "plugWell" => P::RegisterWell,
        "proposePermitLimits" => P::ProposePermitLimits,
        "approvePermitLimits" => P::ApprovePermitLimits,
        "recordMit" | "startInjection" | "stopInjection" | "shutInWell" | "closeShutIn" => {
            P::OperateWell
        }
        "recordInjectionDay" | "correctInjectionDay" => P::RecordInjection,
        "approveInjectionDay" => P::ApproveInjection,
        "assignRole"
        | "deactivateMember"
        | "issueApiKey"
        | "rotateApiKey"
        | "revokeApiKey"
        | "changeAccessSettings" => P::ManageAccess,
        "grantAccess" | "revokeAccess" => P::GrantAccess,
        _ => return None,
    })
}
