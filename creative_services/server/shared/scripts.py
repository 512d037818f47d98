"""The two atomic steps, in Lua, by Redis' own clock."""

from typing import Final

# A minute's bucket as the moment at which it will be full again. ARGV: limit, least, most, given back.
# Answers: granted, microseconds until the least could be granted, left.
RATE: Final = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local limit, least, most, back = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local each = 60000000 / limit
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) - back * each, now)
local left = math.floor((now + 60000000 - full_at) / each + 0.000001)
local granted, wait = 0, 0
if least > 0 and left >= least then
    granted = math.min(left, math.max(least, math.min(most, math.floor(left / 8))))
    full_at = full_at + granted * each
elseif least > 0 then
    wait = full_at + least * each - now - 60000000
end
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1000)
return {granted, math.ceil(wait), left - granted}
"""

# Money spent or leased, in units of 10^-10 USD. ARGV: limit, least, most, given back, seconds to remember (0: always).
# Answers: granted, left.
MONEY: Final = """
local limit, least, most, back = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local spent = tonumber(redis.call('GET', KEYS[1]) or 0) - back
local left = limit - spent
local granted = 0
if least > 0 and left >= least then
    granted = math.min(left, math.max(least, math.min(most, math.floor(left / 8))))
    spent = spent + granted
end
redis.call('SET', KEYS[1], string.format('%.0f', spent))
if tonumber(ARGV[5]) > 0 then redis.call('EXPIRE', KEYS[1], ARGV[5]) end
return {string.format('%.0f', granted), string.format('%.0f', left - granted)}
"""
