

aIdentityb

bIdentitya

rRelua