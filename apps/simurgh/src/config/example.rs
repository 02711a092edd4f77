//! What `simurgh init` writes into simurgh.toml.

use crate::smdps::EXAMPLE as CONNECTORS;
use crate::traces::EXAMPLE as TRACES;

/// The end of what `simurgh init` writes: sections that a server can do without.
const OPTIONAL: &str = r#"# Requests of one caller, and of all callers of a tenant, in a minute; each server
# process counts by itself.
#requests_per_minute = 6000
#requests_per_minute_of_tenant = 30000
# Those from one address by who is not known, sign-ins included.
#requests_per_minute_of_strangers = 120
# Devices on which one caller, and all callers of a tenant, may order something in an hour,
# at all server processes together.
#devices_per_hour = 100000
#devices_per_hour_of_tenant = 1000000

# Who may come in beside the holder of that token: users, who sign in, and API keys.
# `simurgh user add` makes the first.
#[access]
# Where browsers find the API, for passkeys and cookies; without it there are no
# passkeys.
#origin = "https://sim.example.org"
# What authenticator apps call this server.
#issuer = "Simurgh"
# How long sessions live: without being used, and at all.
#idle_minutes = 30
#session_hours = 12
# Machines may show client certificates under this CA, each of which an API key names
# (`simurgh api-key add --certificate`).
#client_ca = "machines_ca.pem"

# Single sign-on at an identity provider (OpenID Connect).
#[access.single_sign_on]
#issuer = "https://login.example.org"
#client_id = "simurgh"
# File with the client secret, if the provider gave one.
#client_secret = "sign_on.secret"
# Where the provider sends browsers back to.
#redirect = "https://sim.example.org/sign-on"
# CA of the provider's TLS certificate (PEM).
#ca = "provider_ca.pem"
# Whose users sign in there.
#tenant = "default"
# The role of users who come for the first time; without it they are added before, with
# `simurgh user add --single-sign-on`.
#role = "viewer"

# State in a PostgreSQL database (15 or newer), in place of the file; any number of
# servers with the same key_file may share it. See docs/store.md.
#[store]
# sqlite:PATH is a file, too. A server on another machine is asked over TLS; only
# sslmode=disable would end that.
#url = "postgres://simurgh@db.example.com/simurgh?connections=16"
# File with the password.
#password = "postgres.password"
# CA of the server's certificate [default: those that the system trusts].
#ca = "postgres-ca.pem"

# In which countries is what this server keeps (the database with its replicas and
# backups) and sends of all tenants (the broker of [events.mqtt], the collector of
# [traces]). A tenant whose data must rest in some countries (`simurgh tenant add
# --residency`) is served only where all of this is in them; see docs/access.md.
#[residency]
#database = ["DE"]
#mqtt = ["DE"]
#traces = ["DE"]

# All events go to an MQTT 5 broker as well, over TLS; see docs/events.md.
#[events.mqtt]
#broker = "mqtts://broker.example.com:8883"
# The broker's certificate, or the CA that issued it.
#ca = "broker-ca.pem"
#username = "simurgh"
# File with the password.
#password = "events.password"
# A client certificate, if the broker asks for one.
#certificate = "events.pem"
#key = "events.key.pem"
# Topics are <topic_prefix>/<tenant>/<event type>.
#topic_prefix = "simurgh/events"
# Client identifiers begin with it; each process adds its own end.
#client_id = "simurgh-events"

# ESipa over CoAP and DTLS, on a UDP port.
#[eim.coap]
#listen = "127.0.0.1:5684"
# Prove the eIM with the certificate eim_tls.pem.
#certificate = true
# Take devices by the keys that `simurgh device psk` made for them.
#psk = true
# The CA under which every device must then have a certificate of its own.
#client_ca = "ca/devices.pem"

# ESipa through an MQTT 5 broker, over TLS; see docs/esipa-over-mqtt.md.
#[eim.mqtt]
#broker = "broker.example.com:8883"
# The broker's certificate, or the CA that issued it.
#ca = "broker-ca.pem"
#username = "eim"
# File with the password.
#password = "mqtt.password"
# Devices are called by their EIDs in topics, and speak for no other. With false
# the names are not looked at: for brokers that cannot tell devices apart, and
# for gateways.
#device_is_eid = true

# An SM-DS: devices ask it for events (ES11), SM-DP+s register them there with
# their TLS certificate (ES12).
#[smds]
#listen = "127.0.0.1:8447"
# The name by which devices and SM-DP+s reach it; must be in the certificate
# ds_tls.pem.
#address = "smds.simurgh.test"
# The root SM-DS, if this is an alternative one: it is told of events that are to
# be forwarded.
#root = "root.smds.example.com"
# Larger requests are refused (octets).
#max_body = 1048576
# Who may register events: without any, whoever has a certificate of an SM-DP+ or
# SM-DS under the CI.
#[[smds.clients]]
#name = "our SM-DP+"
#certificate = "pki/dp_tls.pem"

# Which profile devices get that a factory announced (`simurgh device announce`),
# once they poll and are the ones that were announced. The first rule that is
# for a device counts: by the beginning of its EID or serial number, or by what
# its manifest says. The profile is ordered at this server's SM-DP+, or is the
# next of a file of activation codes, one on each line, whose order must stay.
#[[zero_touch]]
#name = "meters"
# Only devices that this tenant announced; those of `default` if it is left out.
#tenant = "default"
#eid_prefix = "89049032"
#serial_prefix = "M-"
#fields = { model = "X1" }
#profile_type = "operational"
#codes = "codes.txt"

# What the radio of a device takes for a contact (millijoules) and for an octet from and
# to it (microjoules), by technology, in place of the model's figures; see docs/price.md.
#[energy.nb_iot]
#contact_mj = 3000
#up_uj = 280
#down_uj = 80

# Addresses of names that the name service does not know, for the SM-DP+ to
# which the eIM forwards notifications and the SM-DS that the SM-DP+ tells.
#[resolve]
#"smdp.example.com" = "192.0.2.1:443"

# For test benches only; each weakens what the server believes.
#[lab]
# EIDs whose results are taken although their signature cannot be verified.
# What they settle is marked as unverified, in the log and in each operation.
#accept_unverified = ["89049032000000000000000000000163"]
# Certificate that SM-DP+ must have or be issued under, instead of one under
# the CI.
#es9plus_trust = "bench-ca.pem"
"#;

/// What `simurgh init` writes.
pub(crate) fn example(eim_fqdn: &str, smdp_address: &str, ports: [u16; 3]) -> String {
    let [eim, smdp, door] = ports;
    format!(
        r#"# Configuration of `simurgh serve`. Paths are relative to this file.
# Each setting can also come from the environment, for example
# SIMURGH__EIM__LISTEN=0.0.0.0:443, or from `simurgh serve --set
# eim.listen=0.0.0.0:443`; the latter goes before the former, and both before
# this file.

# State of all roles: one SQLite file, made when it is missing; or see [store] below.
database = "simurgh.db"

# The key under which subscriber keys, activation codes and private keys rest:
# 32 octets in hexadecimal or base64. Without it the database and the keys in
# the next folder cannot be read: keep a copy, and not beside theirs.
key_file = "simurgh.key"

# Keys and certificates, as written by `simurgh pki init`.
pki = "pki"

[eim]
# Devices poll here (ESipa over HTTPS).
listen = "127.0.0.1:{eim}"
# The name by which devices reach it; goes into their eIM configuration data
# and must be in the certificate eim_tls.pem. May carry a port.
fqdn = "{eim_fqdn}"
# Octets of a request that are accepted.
#max_body = 1048576
# How SM-DP+s are asked in downloads that devices do through the eIM: "json", and
# ASN.1 where an SM-DP+ has no JSON, or "asn1".
#es9plus_binding = "json"
# Bring packages to devices that listen, with the client certificate eim_inject.pem.
#inject = false

[smdp]
# Devices download here (ES9+), operators order here (ES2+, with a client
# certificate under private_ca.pem).
listen = "127.0.0.1:{smdp}"
# The name in activation codes; must be in the certificate dp_tls.pem.
address = "{smdp_address}"
# ES2+ on a port of its own.
# es2plus_listen = "127.0.0.1:8446"
# Larger requests are refused (octets).
# max_body = 1048576
# How long after its confirmation an order can be downloaded, downloads that
# may be begun, and wrong confirmation codes with which it ends.
# order_validity_days = 365
# max_attempts = 20
# max_confirmation_failures = 5

# Who may order. Without any, whoever has a certificate under private_ca.pem is
# one operator. An operator is known by the key of its certificate, may have CAs
# between that and private_ca.pem, and must call itself by one of its identifiers
# (functionRequesterIdentifier; default: the OID in its certificate). A callback is told of downloads (HandleDownloadProgressInfo);
# its server needs a certificate under callback_ca (default: private_ca.pem).
# [[smdp.operators]]
# name = "operator"
# certificate = "ca/operator.pem"
# identifiers = ["2.999.30"]
# callback = "operator.example.com:8443"

[door]
# The northbound API.
listen = "127.0.0.1:{door}"
# File with the bearer token that callers must present.
token = "door.token"
{OPTIONAL}{CONNECTORS}{TRACES}"#
    )
}
