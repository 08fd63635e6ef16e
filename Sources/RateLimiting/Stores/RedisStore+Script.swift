package import RedisClient

extension RedisStore {
    /// The decision of ``GCRA`` in Lua, atomically, by Redis' own clock.
    ///
    /// `KEYS[1]` holds TAT as `<microseconds>:<parts of 1/budget microsecond>`. Lua's numbers are doubles: every one here is a whole
    /// number below 2^53 (times, because ``TokenBucketPolicy/windows`` end at a year; parts, because budgets end at 10^9), and only sums,
    /// differences and comparisons are formed, so all is exact. What does not fit, cost · window, is divided by the caller, in 128 bits.
    ///
    /// - `ARGV[1]`, `ARGV[2]`: how far the cost moves TAT, microseconds and parts; both zero only looks.
    /// - `ARGV[3]`: the window in microseconds. `ARGV[4]`: the budget.
    /// - The reply: whether it is admitted, TAT as it is now (microseconds, parts), the time in microseconds.
    ///
    /// A key goes away at an absolute time, when the bucket is full: a time to live would begin at the time that Redis took before the
    /// script, and end early. What is no TAT, of whatever type, counts as a full bucket, and is replaced.
    package static let script = RedisScript(
        """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        local charge, chargeParts = tonumber(ARGV[1]), tonumber(ARGV[2])
        local window, budget = tonumber(ARGV[3]), tonumber(ARGV[4])
        local function store(tat, parts)
          redis.call('SET', KEYS[1], string.format('%.0f:%.0f', tat, parts))
          redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.floor(tat / 1000) + 1))
        end
        local stored = redis.pcall('GET', KEYS[1])
        if type(stored) ~= 'string' then stored = '' end
        local tat, parts = string.match(stored, '^(%d+):(%d+)$')
        tat, parts = tonumber(tat or 0), tonumber(parts or 0)
        local ahead = tat > now + 2 * window
        if ahead then tat, parts = now + window, 0 end
        if parts >= budget then tat, parts = tat + 1, 0 end
        if tat < now then tat, parts = now, 0 end
        if charge == 0 and chargeParts == 0 then
          if ahead then store(tat, parts) end
          return {1, tat, parts, now}
        end
        local nextTat, nextParts = tat + charge, parts + chargeParts
        if nextParts >= budget then nextTat, nextParts = nextTat + 1, nextParts - budget end
        if nextTat < now + window or (nextTat == now + window and nextParts == 0) then
          store(nextTat, nextParts)
          return {1, nextTat, nextParts, now}
        end
        if ahead then store(tat, parts) end
        return {0, tat, parts, now}
        """
    )
}
