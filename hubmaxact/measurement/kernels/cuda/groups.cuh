// The largest |x| of groups of rows: samples, or experts.
//
// A small table in shared memory knows some groups' maxima, so that global memory sees records
// only. It may be out of date, never too large.
#pragma once
#include "site.cuh"

__device__ __forceinline__ u64 known_group(int group, int largest) {
  return (u64)(group + 1) << 32 | (u32)largest;
}

// Bits of float32 order as integers where they are positive; -1.0, for none, is below all of them.
__device__ __forceinline__ int group_so_far(const Arguments& a, int group) {
  return fresh(a.group_max + group);
}

__device__ __forceinline__ void remember_group(const Arguments& a, int group, u64* known) {
  const int largest = group_so_far(a, group);
  if (largest >= 0) *(volatile u64*)(known + group % NUM_KNOWN) = known_group(group, largest);
}

__device__ __forceinline__ void offer_group(const Arguments& a, int group, int magnitude, u64* known) {
  const int bits = magnitude << SHIFT;     // of the value as float32
  const u64 entry = fresh(known + group % NUM_KNOWN);
  if ((int)(entry >> 32) == group + 1 && (int)(u32)entry >= bits) return;
  const int before = group_so_far(a, group);
  if (before < bits) atomicMax(a.group_max + group, bits);
  *(volatile u64*)(known + group % NUM_KNOWN) = known_group(group, max(before, bits));
}
