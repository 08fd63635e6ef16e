// What nginx has no variables for. Pure functions of a request, in the language that njs 0.7 knows.

const LIFETIME = /(?:^|,)\s*max-age=([0-9]+)/;
const FROM_CACHE = ['HIT', 'STALE', 'UPDATING'];

// Accept over all its lines: nginx before 1.23 has only the first in $http_accept.
function accept(r) {
    return r.rawHeadersIn.filter((line) => line[0].toLowerCase() === 'accept').map((line) => line[1]).join(', ');
}

function lifetime(r) {
    const match = LIFETIME.exec(r.variables.upstream_http_cache_control || '');
    return match ? Number(match[1]) : 0;
}

// Seconds since the service made the stored answer.
function since(r) {
    const made = Date.parse(r.variables.upstream_http_date || '');
    return isNaN(made) ? undefined : Math.max(0, Math.floor((Date.now() - made) / 1000));
}

// `Age` (RFC 9111 §5.1): a cache behind this one has its own, and what is stored here grows older. nginx keeps the Date of the first fetch when it
// revalidates: for an answer that is fresh all the same, this is the most that its age can be.
function age(r) {
    const behind = r.variables.upstream_http_age || '';
    const seconds = since(r);
    if (seconds === undefined || FROM_CACHE.indexOf(r.variables.upstream_cache_status) < 0) {
        return behind;
    }
    const fresh = lifetime(r);
    const expiry = fresh + Number(behind);
    if (r.variables.upstream_cache_status === 'HIT' && seconds > expiry) {
        return String(Math.min(seconds - expiry, fresh));
    }
    return String(seconds);
}

// The parameter of Cache-Status, where it is known: not once nginx has revalidated.
function ttl(r) {
    const seconds = since(r);
    const rest = lifetime(r) - seconds;
    return seconds === undefined || rest < 0 ? '' : `;ttl=${rest}`;
}

export default { accept, age, ttl };
