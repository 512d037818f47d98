"""What runs inside Redis, so that it happens at one stroke."""

from typing import Final

# A server's record is also entered where the original registry (literegistry 1.0.63) looks for servers, with the
# server's own time as the heartbeat, and everybody who watches is told.
WRITE: Final = """
local key, channel, name = KEYS[1], KEYS[2], ARGV[1]
local guarded, expected, value, ttl = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if guarded ~= 'any' then
    local present = redis.call('GET', key)
    if guarded == 'absent' and present then return 0 end
    if guarded == 'equal' and present ~= expected then return 0 end
end
local done = 1
local server = string.sub(key, 1, 7) == 'server_'
if ARGV[6] == 'delete' then
    done = redis.call('DEL', key)
    if guarded ~= 'any' then done = 1 end
    if server then redis.call('ZREM', 'literegistry:server_heartbeats:v1', key) end
else
    if ttl == '' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', ttl) end
    if server then redis.call('ZADD', 'literegistry:server_heartbeats:v1', redis.call('TIME')[1], key) end
end
redis.call('PUBLISH', channel, name)
return done
"""
