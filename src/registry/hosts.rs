//! The registries by host, and the transports that they share.

use super::endpoint::Endpoint;
use super::{HostSettings, RegistryError, RegistryOptions, Unlisted};
use crate::http::{AddressRule, Addresses, Client, Transport, TransportSettings};
use crate::image::RegistryHost;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// All registries that may be contacted.
pub(super) struct Hosts {
    listed: RwLock<HashMap<RegistryHost, Arc<Endpoint>>>,
    /// For hosts that are not listed; `None`: they are refused.
    public: Option<Public>,
    options: RegistryOptions,
}

struct Public {
    transport: Transport,
    seen: Mutex<HashMap<RegistryHost, Arc<Endpoint>>>,
}

impl Hosts {
    pub(super) fn new(
        settings: Vec<HostSettings>,
        options: RegistryOptions,
    ) -> Result<Self, RegistryError> {
        let free: Vec<String> = settings
            .iter()
            .flat_map(|host| {
                let others = host.realms().into_iter().chain(host.redirects.clone());
                host.origin().into_iter().chain(others)
            })
            .map(|origin| origin.host().to_owned())
            .collect();
        // Loading the certificates takes a while, so hosts with the same trust share a transport.
        let mut transports: HashMap<(Option<PathBuf>, bool), Transport> = HashMap::new();
        let mut listed = HashMap::new();
        for host in settings {
            let trust = (host.ca_file.clone(), host.plain_http);
            let transport = match transports.get(&trust) {
                Some(transport) => transport.clone(),
                None => {
                    let addresses = Addresses::new(AddressRule::NotLocal, free.iter().cloned());
                    let made =
                        transport(&options, addresses, host.ca_file.clone(), host.plain_http)?;
                    transports.insert(trust, made.clone());
                    made
                }
            };
            let endpoint = endpoint(host, transport, &options)?;
            listed.insert(endpoint.settings.host.clone(), Arc::new(endpoint));
        }
        let public = match options.unlisted {
            Unlisted::Refuse => None,
            Unlisted::PublicOnly => Some(Public {
                transport: transport(
                    &options,
                    Addresses::new(AddressRule::Public, []),
                    None,
                    false,
                )?,
                seen: Mutex::default(),
            }),
        };
        Ok(Self {
            listed: RwLock::new(listed),
            public,
            options,
        })
    }

    /// The same registries for another pass.
    pub(super) fn for_pass(&self) -> Self {
        let options = RegistryOptions {
            gates: self.options.gates.for_pass(),
            ..self.options.clone()
        };
        let renew = |all: &HashMap<RegistryHost, Arc<Endpoint>>| {
            let renewed = all.iter().map(|(host, endpoint)| {
                let endpoint = endpoint.for_pass(&options.gates, &options.redactor);
                (host.clone(), Arc::new(endpoint))
            });
            RwLock::new(renewed.collect())
        };
        let listed = renew(&self.listed.read().unwrap_or_else(PoisonError::into_inner));
        Self {
            listed,
            public: self.public.as_ref().map(|public| Public {
                transport: public.transport.clone(),
                seen: Mutex::default(),
            }),
            options,
        }
    }

    /// Adds a registry, or another origin that may receive the login of one that is listed.
    pub(super) fn list(&self, host: HostSettings) -> Result<(), RegistryError> {
        let known = self.listed(&host.host);
        let settings = match &known {
            Some(endpoint) => {
                let new = host.auth_realms.iter();
                let new: Vec<_> = new
                    .filter(|realm| !endpoint.settings.realms().contains(realm))
                    .cloned()
                    .collect();
                if new.is_empty() {
                    return Ok(());
                }
                let mut settings = endpoint.settings.clone();
                settings.auth_realms.extend(new);
                settings
            }
            None => host,
        };
        let free = settings.realms().into_iter().chain(settings.origin());
        let free = free.map(|origin| origin.host().to_owned());
        let addresses = Addresses::new(AddressRule::NotLocal, free);
        let (ca_file, plain) = (settings.ca_file.clone(), settings.plain_http);
        let transport = transport(&self.options, addresses, ca_file, plain)?;
        let endpoint = Arc::new(endpoint(settings, transport, &self.options)?);
        self.listed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(endpoint.settings.host.clone(), endpoint);
        Ok(())
    }

    fn listed(&self, host: &RegistryHost) -> Option<Arc<Endpoint>> {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        listed.get(host).cloned()
    }

    /// The registry of exactly this host; a login is used for listed ones only.
    pub(super) fn get(
        &self,
        host: &RegistryHost,
        with_login: bool,
    ) -> Result<Arc<Endpoint>, RegistryError> {
        if let Some(endpoint) = self.listed(host) {
            return Ok(endpoint);
        }
        let refused = || RegistryError::NotListed(host.clone());
        let public = self.public.as_ref().ok_or_else(refused)?;
        if with_login {
            return Err(refused());
        }
        let mut seen = public.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = seen.get(host) {
            return Ok(Arc::clone(endpoint));
        }
        let settings = HostSettings::new(host.clone());
        let made = Arc::new(endpoint(settings, public.transport.clone(), &self.options)?);
        seen.insert(host.clone(), Arc::clone(&made));
        Ok(made)
    }

    /// Where a host is configured.
    pub(super) fn line(&self, host: &RegistryHost) -> Option<String> {
        self.listed(host)?.settings.line.clone()
    }

    pub(super) fn options(&self) -> &RegistryOptions {
        &self.options
    }

    /// The filter for a host's addresses, for [`super::doctor`].
    pub(super) fn addresses(&self, host: &RegistryHost) -> Addresses {
        match self.listed(host).is_some() {
            true => Addresses::any(),
            false => Addresses::new(AddressRule::Public, []),
        }
    }
}

fn transport(
    options: &RegistryOptions,
    addresses: Addresses,
    ca_file: Option<PathBuf>,
    plain_http: bool,
) -> Result<Transport, RegistryError> {
    let settings = TransportSettings {
        ca_file,
        without_roots: plain_http,
        addresses,
        proxy: options.proxy,
        policy: options.policy.clone(),
    };
    Transport::new(&settings).map_err(|error| RegistryError::Trust(error.to_string()))
}

fn endpoint(
    settings: HostSettings,
    transport: Transport,
    options: &RegistryOptions,
) -> Result<Endpoint, RegistryError> {
    let origin = settings
        .origin()
        .ok_or_else(|| RegistryError::NotListed(settings.host.clone()))?;
    options.gates.limit(origin.clone(), settings.limits);
    let client = Client::new(transport, options.gates.clone(), options.clock.clone())
        .plain_http(settings.plain_http);
    Ok(Endpoint::new(
        settings,
        origin,
        client,
        options.clock.clone(),
        options.validators.clone(),
        options.redactor.clone(),
    ))
}
