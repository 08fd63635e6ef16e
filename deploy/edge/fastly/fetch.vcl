# vcl_fetch.
if (beresp.status == 200 && beresp.ttl > 0s && beresp.http.Cache-Control ~ "public" && !beresp.http.Set-Cookie) {
  # Values never change: stale ones are right, and served while the service is asked or away.
  set beresp.stale_while_revalidate = 604800s;
  set beresp.stale_if_error = 604800s;
} else {
  if ((beresp.status >= 500 || beresp.status == 429) && stale.exists) {
    return(deliver_stale);
  }
  # Not return(pass): that would keep the address out of the cache for two minutes.
  set beresp.ttl = 0s;
  set beresp.stale_while_revalidate = 0s;
  set beresp.stale_if_error = 0s;
  return(deliver);
}
