//! The operator: orders over ES2+ with its client certificate, and uses the
//! API.

use std::sync::Arc;

use api::{
    AnnouncedDevices, EimConfiguration, Manifest, ManifestDevice, NewDevice, NewOperation,
    NewProfiles, NewSubscription, Secret,
};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use rsp_asn1::ids::Iccid;
use rsp_core::binding::{es2plus_json, json};
use rsp_core::ipa;
use rsp_core::pki::{TlsTrust, TrustAnchor, member};
use rsp_core::profile::{Authentication, Subscription};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, TlsIdentity};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::server::{self, DOOR, EIM, SMDP, ServerProcess};
use crate::Failure;

/// Name of the profile type in stock.
const PROFILE_TYPE: &str = "operational";

/// An operator with access to SM-DP+ and API.
pub(crate) struct Operator {
    client: Client,
    smdp: ipa::Server,
    door: TlsTrust,
    door_url: String,
    token: String,
}

impl Operator {
    pub(crate) fn new(server: &ServerProcess) -> Result<Self, Failure> {
        let ca = server.ca();
        let file = |name: String| std::fs::read_to_string(ca.join(name));
        let identity = TlsIdentity::from_pem(
            &file(format!("{}.pem", member::OPERATOR))?,
            &file(format!("{}.key.pem", member::OPERATOR))?,
        )?;
        let ci = server::certificate(&ca.join(format!("{}.pem", member::CI)))?;
        let ci = TrustAnchor::new(&ci, &SoftwareProvider)?;
        let private_ca = server::certificate(&ca.join(format!("{}.pem", member::PRIVATE_CA)))?;
        let client = client(server).client_identity(identity);
        Ok(Operator {
            client: client.build(Arc::new(SoftwareProvider))?,
            smdp: ipa::Server {
                address: SMDP.to_string(),
                trust: Some(TlsTrust::RspServer(vec![ci])),
                transport: rsp_core::binding::Transport::Https,
            },
            door: TlsTrust::Certificate(private_ca),
            door_url: format!("https://{DOOR}:{}", server.addresses.door.port()),
            token: server.token()?,
        })
    }

    /// Puts profiles into the stock of the SM-DP+.
    pub(crate) async fn stock<'a>(
        &self,
        template: &[u8],
        subscriptions: impl Iterator<Item = &'a Subscription>,
    ) -> Result<(), Failure> {
        let new = NewProfiles {
            profile_type: PROFILE_TYPE.to_string(),
            template: Some(hex(template)),
            service_provider_name: "Simurgh Mobile".to_string(),
            profile_name: "Operational".to_string(),
            settings: api::ProfileTypeSettings::default(),
            subscriptions: subscriptions.filter_map(shown).collect(),
        };
        let _: api::Imported = self.call(Method::POST, "/profiles", Some(&new)).await?;
        Ok(())
    }

    /// Orders a profile; gives the activation code.
    pub(crate) async fn order(&self, iccid: Iccid) -> Result<String, Failure> {
        let header = || es2plus_json::RequestHeader {
            function_requester_identifier: "2.999.30".to_string(),
            function_call_identifier: iccid.to_string(),
        };
        let order = es2plus_json::DownloadOrder {
            header: header(),
            eid: None,
            iccid: Some(iccid),
            profile_type: None,
        };
        let ordered = self.es2plus(&order).await?;
        let confirm = es2plus_json::ConfirmOrder {
            header: header(),
            iccid: ordered.iccid,
            eid: None,
            matching_id: None,
            confirmation_code: None,
            smds_address: None,
            release_flag: true,
        };
        let confirmed = self.es2plus(&confirm).await?;
        Ok(format!("LPA:1${SMDP}${}", confirmed.matching_id))
    }

    async fn es2plus<F: json::Function>(&self, message: &F) -> Result<F::Ok, Failure> {
        let request = json::encode_request(message, None)?;
        let response = self.client.post(&self.smdp, request).await?;
        Ok(json::decode_response::<F>(&response)?)
    }

    /// Has a pre-shared key made for a device.
    pub(crate) async fn make_psk(&self, eid: &str) -> Result<api::Psk, Failure> {
        let path = format!("/devices/{eid}/psk");
        let new = api::NewPsk::default();
        self.call(Method::POST, &path, Some(&new)).await
    }

    pub(crate) async fn eim_configuration(&self) -> Result<EimConfiguration, Failure> {
        self.call(Method::GET, "/eim-configuration", None::<&()>)
            .await
    }

    pub(crate) async fn add_euicc(&self, new: &NewDevice) -> Result<(), Failure> {
        let _: api::Device = self.call(Method::POST, "/devices", Some(new)).await?;
        Ok(())
    }

    /// Announces a device as its factory does.
    pub(crate) async fn announce(&self, device: ManifestDevice) -> Result<(), Failure> {
        let manifest = Manifest {
            devices: vec![device],
        };
        let done: AnnouncedDevices = self
            .call(Method::POST, "/manifests", Some(&manifest))
            .await?;
        match done.devices.first() {
            Some(device) if device.result == "added" => Ok(()),
            other => Err(format!("the manifest was not taken: {other:?}").into()),
        }
    }

    /// What the server says of a device.
    pub(crate) async fn device(&self, eid: &str) -> Result<api::Device, Failure> {
        self.call(Method::GET, &format!("/devices/{eid}"), None::<&()>)
            .await
    }

    /// Queues an operation; gives its identifier.
    pub(crate) async fn queue(
        &self,
        eid: &str,
        operation: api::OperationKind,
    ) -> Result<String, Failure> {
        let new = NewOperation::one(eid.to_string(), operation);
        let queued: api::Operation = self.call(Method::POST, "/operations", Some(&new)).await?;
        Ok(queued.id)
    }

    pub(crate) async fn operation(&self, id: &str) -> Result<api::Operation, Failure> {
        self.call(Method::GET, &format!("/operations/{id}"), None::<&()>)
            .await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let body = body.map(serde_json::to_vec).transpose()?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{}{path}", self.door_url, api::V1))
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.unwrap_or_default()))?;
        let response = self.client.request_raw(&self.door, request).await?;
        if !response.status().is_success() {
            let problem: api::Problem = serde_json::from_slice(response.body())
                .map_err(|_| format!("the API answered {}", response.status()))?;
            return Err(problem.into());
        }
        Ok(serde_json::from_slice(response.body())?)
    }
}

/// A client that finds the demonstration's names on loopback.
pub(crate) fn client(server: &ServerProcess) -> rsp_net::ClientBuilder {
    Client::builder()
        .resolve(EIM, server.addresses.eim)
        .resolve(SMDP, server.addresses.smdp)
        .resolve(DOOR, server.addresses.door)
}

/// As the API takes it, `None` if it is not one of Milenage.
fn shown(subscription: &Subscription) -> Option<NewSubscription> {
    let secret = |key: &[u8; 16]| Secret(hex(key));
    let Authentication::Milenage { k, opc } = &subscription.authentication else {
        return None;
    };
    let sd_keys = subscription.sd_keys.as_ref();
    Some(NewSubscription {
        iccid: subscription.iccid.to_string(),
        imsi: subscription.imsi.to_string(),
        ki: secret(k),
        opc: secret(opc),
        sd_keys: sd_keys.map(|keys| keys.each_ref().map(secret)),
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}
