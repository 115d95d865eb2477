    // Advanced SIMD that x86-64 does by sequences: shifts by a vector, saturation, counting, hashes, rounding, estimates.
    sshl    v0.16b, v1.16b, v2.16b
    ushl    v3.8h, v4.8h, v5.8h
    sqadd   v6.4s, v7.4s, v0.4s
    sqxtn   v1.2s, v2.2d
    sqrdmulh v3.4s, v4.4s, v5.4s
    clz     v6.4s, v7.4s
    pmul    v0.8b, v1.8b, v2.8b
    sha1c   q3, s4, v5.4s
    sha256h q6, q7, v0.4s
    sha256su1 v1.4s, v2.4s, v3.4s
    frinta  v4.4s, v5.4s
    fcvtau  v6.4s, v7.4s
    ucvtf   v0.2d, v1.2d
    urecpe  v2.4s, v3.4s
