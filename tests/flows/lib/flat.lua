-- SPDX-License-Identifier: BSD-3-Clause
-- Whether a figure that was sampled over time stays where it is: least squares over the second half of the samples.
local flat = {}

-- flat.trend{{t=, v=}, ...} -> {slope= per second, growth= over the second half by that slope, first=, last=, highest=, n=}, or nil
-- when there are fewer than three samples in that half.
function flat.trend(samples)
  local half = {}
  local middle = #samples > 0 and (samples[1].t + samples[#samples].t) / 2 or 0
  for _, s in ipairs(samples) do
    if s.t >= middle then
      half[#half + 1] = s
    end
  end
  local n, st, sv = #half, 0, 0
  if n < 3 then
    return nil
  end
  local highest = half[1].v
  for _, s in ipairs(half) do
    st, sv, highest = st + s.t, sv + s.v, math.max(highest, s.v)
  end
  local mt, mv, stt, stv = st / n, sv / n, 0, 0
  for _, s in ipairs(half) do
    stt = stt + (s.t - mt) ^ 2
    stv = stv + (s.t - mt) * (s.v - mv)
  end
  local slope = stt > 0 and stv / stt or 0
  return { slope = slope, growth = slope * (half[n].t - half[1].t), first = half[1].v, last = half[n].v, highest = highest, mean = mv,
    n = n }
end

-- flat.judge(samples, margin, share): flat when the growth over the second half is at most margin, or that share of the mean.
function flat.judge(samples, margin, share)
  local t = flat.trend(samples)
  if not t then
    return nil
  end
  t.allowed = math.max(margin, share * t.mean)
  t.flat = t.growth <= t.allowed
  return t
end

return flat
