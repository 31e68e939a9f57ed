// How many rows of a site go beyond the largest finite value of each storage format.
#pragma once
#include "site.cuh"

// In the order of `formats.LARGEST_FINITE`: float16, bfloat16, E4M3, E5M2.
#define LARGEST_FINITE {65504.0f, 0x1.fep127f, 448.0f, 57344.0f}
#define LEAST_OF_THEM 448.0f

// `finite`: the row's largest finite magnitude, -1 for none. By one lane.
__device__ __forceinline__ void count_beyond(int finite, u32 (&beyond)[NUM_LARGEST]) {
  if (finite < 0 || value_of(finite) <= LEAST_OF_THEM) return;
  constexpr float largest[NUM_LARGEST] = LARGEST_FINITE;
  #pragma unroll
  for (int format = 0; format < NUM_LARGEST; format++)
    if (value_of(finite) > largest[format]) atomicAdd(beyond + format, 1u);
}
