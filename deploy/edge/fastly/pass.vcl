# vcl_pass. TRUSTED_PROXIES has Fastly's networks, so this is whom the service charges.
set bereq.http.X-Forwarded-For = req.http.Fastly-Client-IP;
unset bereq.http.Edge-Representation;
