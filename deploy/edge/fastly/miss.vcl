# vcl_miss. Fastly would fetch the content: for a HEAD, or for a 304, that would cost the client a computation.
if (req.method == "HEAD" || req.http.If-None-Match) {
  return(pass);
}
set bereq.http.X-Forwarded-For = req.http.Fastly-Client-IP;
unset bereq.http.Edge-Representation;
