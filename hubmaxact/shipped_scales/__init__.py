"""Static scales that a quantized checkpoint ships, held against the measured maxima."""
